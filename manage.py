#!/usr/bin/env python
"""Genga's command line."""

import gc
import os
import sys


def main() -> None:
    """Run a management command. Settings that cannot be used are told in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    # What the imports make stays. To look for garbage among it is a quarter of a short command.
    gc.disable()
    import django
    from django.core.management import execute_from_command_line

    from generation.errors import SettingError

    try:
        django.setup()
        gc.freeze()
        gc.enable()
        execute_from_command_line(sys.argv)
    except SettingError as problem:
        sys.exit(f"genga: {problem}")


if __name__ == "__main__":
    main()
