"""Durations in words."""

import re
from datetime import datetime

from django.utils import timezone

ESTIMATING = "estimating"

TENTHS_BELOW = 9.95
"""Seconds below which tenths are shown."""


def spoken(seconds: float | None) -> str:
    """A duration in words: "2.4 seconds", "18 minutes", "2 hours"; "estimating" for None.

    Never "0 seconds": the smallest is "0.1 seconds".
    """
    if seconds is None:
        return ESTIMATING
    if seconds < TENTHS_BELOW:
        return f"{max(seconds, 0.1):.1f} seconds"
    if seconds < 90:
        return _count(round(seconds), "second")
    if seconds < 90 * 60:
        return _count(round(seconds / 60), "minute")
    hours, minutes = divmod(round(seconds / 60), 60)
    return _count(hours, "hour") + (f" {_count(minutes, 'minute')}" if minutes else "")


def short(seconds: float | None) -> str:
    """The same for narrow places: "2.4 s", "40 s", "18 min", "2 h 5 min"."""
    if seconds is None:
        return ESTIMATING
    if seconds < TENTHS_BELOW:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{round(seconds)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def span(low: float, high: float) -> str:
    """A range, with the unit once where both ends share it: "1.8–2.4 s", "50 s–2 min"."""
    first, second = short(low), short(high)
    if first == second:
        return first
    number, unit = first.split(" ", 1)
    # "58 min" and "2 h 5 min" have the same ending, but not the same unit.
    return f"{number}–{second}" if second.split(" ", 1)[1] == unit else f"{first}–{second}"


def unbroken(sentence: str) -> str:
    """The sentence with no line break between a number and the unit of a duration."""
    return re.sub(
        r"(?<=\d) (?=(?:s|min|h|seconds?|minutes?|hours?)\b)", "\N{NO-BREAK SPACE}", sentence
    )


def until(moment: datetime | None) -> float | None:
    """Seconds from now to a moment, at least 0; None stays None."""
    if moment is None:
        return None
    return max(0.0, (moment - timezone.now()).total_seconds())


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
