"""Points in time for people: in the viewer's zone, with the date when it is not today.

`static/js/times.js` writes the same texts, because a pushed fragment is rendered once for viewers
in all zones, in the zone of the settings.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
"""As in the script; the names in a browser's own tables differ."""


def moment(at: datetime) -> SafeString:
    """A `time` element: "14:03:22" today, "24 Nov, 14:03" this year, else with the year."""
    local, today = timezone.localtime(at), timezone.localdate()
    text = f"{local:%H:%M:%S}"
    if local.date() != today:
        text = f"{_day(local, with_year=local.year != today.year)}, {local:%H:%M}"
    full = f"{_day(local)}, {local:%H:%M:%S} {timezone.get_current_timezone_name()}"
    element = '<time data-moment datetime="{}" title="{}">{}</time>'
    return format_html(element, at.isoformat(), full, text)


def countdown(at: datetime) -> SafeString:
    """A `time` element that counts down to a moment: "in 40 s", "any moment" when it has passed."""
    text = coming((at - timezone.now()).total_seconds())
    return format_html('<time data-until datetime="{}">{}</time>', at.isoformat(), text)


def coming(seconds: float) -> str:
    """A time that is `seconds` away, in words; never "in 0 s"."""
    if seconds < 1:
        return "any moment"
    if seconds < 90:
        return f"in {round(seconds)} s"
    if seconds < 90 * 60:
        return f"in {round(seconds / 60)} min"
    return f"in {round(seconds / 3600)} h"


def _day(local: datetime, with_year: bool = True) -> str:
    day = f"{local.day} {MONTHS[local.month - 1]}"
    return f"{day} {local.year}" if with_year else day
