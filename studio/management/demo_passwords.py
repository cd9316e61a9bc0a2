"""What commands print about the demo people's passwords."""

from django.conf import settings
from django.core.management.base import CommandError

from studio.production import demo_project, refusals
from studio.production.demo_project import Passwords


def refuse_published() -> None:
    """Raise CommandError when others can reach the site and a published password still works."""
    environment = settings.ENVIRONMENT
    people = [] if environment.is_open else demo_project.with_published_passwords()
    if people:
        names = ", ".join(person.username for person in people)
        raise CommandError(refusals.PUBLISHED_PASSWORDS.say(names=names, bind=environment.bind))


def told(drawn: Passwords) -> str:
    """Drawn passwords, one line for each person; they cannot be shown a second time."""
    lines = [f"  {name}: {password}" for name, password in drawn.items()]
    return "\n".join(["Passwords of the demo people, shown only this once:", *lines])
