"""manage.py load_demo: a demo project to try Genga with."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from generation.errors import SpecError
from studio.production import demo_project


class Command(BaseCommand):
    """Load the demo project, its users and its model."""

    help = (
        "Load the demo project with the users artist, reviewer and admin. Their passwords are "
        "their names, so use it only on a machine that nobody else can reach."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="load it even in the production profile"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError in production, and if the model's folder is not a model."""
        if not settings.ENVIRONMENT.is_embedded and not options["force"]:
            raise CommandError(
                "This is the production profile, and the demo's passwords are known to everybody. "
                "With --force it is loaded all the same; change the passwords at once."
            )
        try:
            demo_project.load()
        except SpecError as problem:
            raise CommandError(problem.sentence) from problem
        self.stdout.write("Loaded the project Harbour Lights. Log in as artist, reviewer or admin.")
        if not settings.ENVIRONMENT.is_open:
            self.stderr.write(
                "Others can reach this site: change the passwords of artist, reviewer and admin."
            )
