#!/usr/bin/env python
"""Genga's command line."""

import gc
import os
import sys

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand


class CommandLine(ManagementUtility):
    """Django's, which collects no garbage while it imports.

    What the imports make stays. To look for garbage among it is a quarter of a short command.
    """

    def execute(self) -> None:
        """Run a management command. What it has changed is told before the process ends."""
        gc.disable()
        super().execute()
        # Every command has imported it by now; at the top it would slow down a wrong command line.
        from generation.live import events

        events.drain()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Load a command, after all apps were imported."""
        gc.freeze()
        gc.enable()
        return super().fetch_command(subcommand)


def main() -> None:
    """Run a management command. Settings that cannot be used are told in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    from generation.errors import SettingError

    try:
        CommandLine(sys.argv).execute()
    except SettingError as problem:
        sys.exit(f"genga: {problem}")


if __name__ == "__main__":
    main()
