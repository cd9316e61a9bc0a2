"""manage.py register_model: make a folder of weights usable."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.errors import SpecError
from generation.library.register import register


class Command(BaseCommand):
    """Read a model's folder and write its card."""

    help = "Make a model folder (diffusers' layout, safetensors) usable; run again after changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder, and what the card says of it."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--slug", required=True, help="the name the API uses, such as sd15")
        parser.add_argument("--name", help="the name people read")
        parser.add_argument(
            "--base", help="for a motion adapter: the slug of the model it animates"
        )
        parser.add_argument("--default", action="store_true", help="use it when nobody names one")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError with the reason for a folder that is no model."""
        fields: dict[str, Any] = {}
        for name in ("name", "base"):
            if options[name]:
                fields[name] = options[name]
        if options["default"]:
            fields["is_default"] = True
        try:
            card = register(options["folder"], options["slug"], **fields)
        except SpecError as problem:
            raise CommandError(problem.sentence) from problem
        self.stdout.write(f"{card.slug}: {card.name}, {card.width}x{card.height}, {card.folder}")
