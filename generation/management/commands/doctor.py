"""manage.py doctor: look for what crashes and changes on the disk have left behind."""

from argparse import ArgumentParser
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand

from generation.errors import ModelChanged
from generation.library import weights
from generation.models import ModelCard
from generation.worker import orphans

SHOWN = 20
"""The most files that are listed."""


class Command(BaseCommand):
    """Report, and with --fix mend what can be mended without a decision."""

    help = "Look for stored files that nothing names and for models that changed on disk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --fix."""
        parser.add_argument("--fix", action="store_true", help="delete the files that are found")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what is found, one thing a line."""
        self._orphans(options["fix"])
        for card in ModelCard.objects.select_related("base").order_by("slug"):
            try:
                weights.verify(card)
            except (ModelChanged, OSError) as problem:
                self.stdout.write(f"Model {card.slug}: {problem}")

    def _orphans(self, fix: bool) -> None:
        found = orphans.find(orphans.all_folders())
        size = sum(default_storage.size(orphan.name) for orphan in found)
        self.stdout.write(f"Files that nothing names: {len(found)} ({size} bytes)")
        for orphan in found[:SHOWN]:
            whose = "an ended attempt" if orphan.known else "a job that is not in the database"
            self.stdout.write(f"  {orphan.name}: of {whose}")
        if len(found) > SHOWN:
            self.stdout.write(f"  and {len(found) - SHOWN} more")
        if found and fix:
            self.stdout.write(f"Deleted: {orphans.delete(found)}")
        elif found:
            self.stdout.write("Run it with --fix to delete them.")
