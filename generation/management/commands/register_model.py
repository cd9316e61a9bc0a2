"""manage.py register_model: register a folder of weights as a model."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.errors import SpecError
from generation.library.register import register


class Command(BaseCommand):
    """Read a model folder and write its model card."""

    help = "Register a model folder (diffusers layout, safetensors). Run it again after changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the folder and the fields of the card."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--slug", required=True, help="the name in the API, such as sd15")
        parser.add_argument("--name", help="the name on pages")
        parser.add_argument(
            "--base", help="for a motion adapter: the slug of the model it animates"
        )
        parser.add_argument(
            "--default", action="store_true", help="use it for requests without a model"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Register. Raises CommandError with the reason if the folder is not a usable model."""
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
