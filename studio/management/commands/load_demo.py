"""manage.py load_demo: a demo project to try Genga with."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from generation.errors import SpecError
from studio.management import demo_passwords
from studio.production import demo_project


class Command(BaseCommand):
    """Load the demo project, its users and its model."""

    help = (
        "Load the demo project with the users artist, reviewer and admin. On loopback their "
        "passwords are their names; where others can reach the site, they are drawn and printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="load it even in the production profile"
        )
        parser.add_argument(
            "--new-passwords",
            action="store_true",
            help="only draw new passwords for the demo people who have the published ones",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError in production, and if the model's folder is not a model."""
        if options["new_passwords"]:
            self._renew()
            return
        if not settings.ENVIRONMENT.is_embedded and not options["force"]:
            raise CommandError(
                "This is the production profile, which needs no demo people. With --force they "
                "are loaded all the same, with drawn passwords."
            )
        demo_passwords.refuse_published()
        try:
            drawn = demo_project.load()
        except SpecError as problem:
            raise CommandError(problem.sentence) from problem
        self.stdout.write("Loaded the project Harbour Lights. Log in as artist, reviewer or admin.")
        if drawn:
            self.stdout.write(demo_passwords.told(drawn))

    def _renew(self) -> None:
        drawn = demo_project.renew_passwords()
        if drawn:
            self.stdout.write(demo_passwords.told(drawn))
        else:
            self.stdout.write("Nobody has a published password; nothing was changed.")
