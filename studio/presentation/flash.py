"""Messages on the next page, each with the codes of its sentences.

`extra_tags` of a message holds the codes, so that tests and scripts do not depend on the wording.
"""

from typing import Any, cast

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpRequest

from generation.errors import SpecError
from generation.sentences import Said

_SHOWN = "shown_messages"


def info(request: HttpRequest, *said: Said) -> None:
    """Show sentences as neutral information."""
    _add(request, messages.INFO, said)


def success(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that was done."""
    _add(request, messages.SUCCESS, said)


def warning(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that had no effect."""
    _add(request, messages.WARNING, said)


def warning_once(request: HttpRequest, *said: Said) -> None:
    """Show a warning, unless it waits for the next page already."""
    show_again(request, [[messages.WARNING, text(said), codes(said)]])


def error(request: HttpRequest, *said: Said) -> None:
    """Show sentences about something that is wrong."""
    _add(request, messages.ERROR, said)


def refused(request: HttpRequest, problem: SpecError) -> None:
    """Show why a request was refused, with what is allowed."""
    _show(request, [[messages.ERROR, problem.sentence, problem.code]])


def shown(request: HttpRequest) -> list[Any]:
    """The messages that were added in this request, as JSON data for `show_again`."""
    return list(vars(request).get(_SHOWN, ()))


def has_error(request: HttpRequest) -> bool:
    """True when a message of this request says that something is wrong."""
    return any(level >= messages.ERROR for level, _, _ in shown(request))


def has_refused(request: HttpRequest) -> bool:
    """True when a message of this request says that something was not done."""
    return any(level != messages.SUCCESS for level, _, _ in shown(request))


def show_again(request: HttpRequest, said: list[Any]) -> None:
    """Add messages of an earlier request, except those that no page has shown yet."""
    stored = cast(BaseStorage, messages.get_messages(request))
    waiting = [[one.level, one.message, one.extra_tags] for one in stored]
    stored.used = False
    _show(request, [one for one in said if one not in waiting])


def text(said: tuple[Said, ...] | list[Said]) -> str:
    """The sentences in one line."""
    return " ".join(one.text for one in said)


def codes(said: tuple[Said, ...] | list[Said]) -> str:
    """Their codes, separated by spaces."""
    return " ".join(one.code for one in said)


def _add(request: HttpRequest, level: int, said: tuple[Said, ...]) -> None:
    _show(request, [[level, text(said), codes(said)]])


def _show(request: HttpRequest, said: list[Any]) -> None:
    for level, words, tags in said:
        messages.add_message(request, level, words, extra_tags=tags)
    vars(request).setdefault(_SHOWN, []).extend(said)
