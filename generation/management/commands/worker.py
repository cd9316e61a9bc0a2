"""manage.py worker: the process that renders on one device."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.errors import SettingError, StaleProcess


class Command(BaseCommand):
    """Serve one device until a signal stops it."""

    help = "Render on one device until SIGTERM or SIGINT. Start one process for each device."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the device and the number of threads."""
        parser.add_argument(
            "--device", default="", help="cpu:0, cuda:0, ...; by default the machine's first"
        )
        parser.add_argument(
            "--threads",
            type=_positive,
            help="threads that a CPU renders with; by default one for each core of this process",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Serve. torch is imported here, so that other commands start without it."""
        from generation.hardware import available
        from generation.worker.process import serve

        try:
            serve(options["device"] or available()[0], options["threads"])
        except (SettingError, StaleProcess) as problem:
            raise CommandError(str(problem), returncode=problem.exit_status) from problem


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
