"""Messages on the next page, each with the codes of its sentences.

`extra_tags` of a message holds the codes, so that tests and scripts do not depend on the wording.
"""

from django.contrib import messages
from django.http import HttpRequest

from generation.errors import SpecError
from generation.sentences import Said


def info(request: HttpRequest, *said: Said) -> None:
    """Show sentences as neutral information."""
    _add(request, messages.INFO, said)


def success(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that was done."""
    _add(request, messages.SUCCESS, said)


def warning(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that had no effect."""
    _add(request, messages.WARNING, said)


def error(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that is wrong."""
    _add(request, messages.ERROR, said)


def refused(request: HttpRequest, problem: SpecError) -> None:
    """Show why a request was refused, with what is allowed."""
    messages.error(request, problem.sentence, extra_tags=problem.code)


def text(said: tuple[Said, ...] | list[Said]) -> str:
    """The sentences in one line."""
    return " ".join(one.text for one in said)


def codes(said: tuple[Said, ...] | list[Said]) -> str:
    """Their codes, separated by spaces."""
    return " ".join(one.code for one in said)


def _add(request: HttpRequest, level: int, said: tuple[Said, ...]) -> None:
    messages.add_message(request, level, text(said), extra_tags=codes(said))
