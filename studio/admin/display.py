"""Display of pictures, states and long texts in lists and forms."""

from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.timezone import localtime

from generation.models import Job, Output
from generation.states import Status

NOTHING = "–"


def newest_picture(**rows: OuterRef) -> Subquery:
    """The id of the newest output of a completed job among `rows`, for `annotate`."""
    outputs = Output.objects.filter(Q(**rows), job__status=Status.COMPLETED)
    return Subquery(outputs.order_by("-created_at").values("pk")[:1])


def output_picture(output_id: UUID | None, what: str) -> SafeString:
    """An output's thumbnail, or an empty mat without one."""
    return picture(reverse("output-thumbnail", args=[output_id]) if output_id else None, what)


def reference_picture(reference_id: int | None, what: str) -> SafeString:
    """A reference picture, or an empty mat without one."""
    return picture(reverse("reference", args=[reference_id]) if reference_id else None, what)


def picture(address: str | None, what: str) -> SafeString:
    """A small picture on a mat, or the empty mat, so that all rows are equally high."""
    if address is None:
        return mark_safe('<span class="mat">No picture</span>')
    return format_html(
        '<span class="mat"><img src="{}" alt="{}" loading="lazy"></span>', address, what
    )


def badge(tone: str, icon: str, label: str) -> SafeString:
    """A state with its icon, label and colour."""
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span>&nbsp;{}</span>',
        tone,
        icon,
        label,
    )


def job_badge(job: Job) -> SafeString:
    """The badge of a job's state."""
    if job.is_cancelling:
        return badge("queued", job.state.icon, "Cancelling")
    if job.is_held:
        return badge("queued", "‖", "On hold")
    return badge(job.state.value, job.state.icon, job.state.label)


def render_link(label: str, **chosen: str) -> SafeString:
    """A link to the render page with the given fields filled in."""
    address = reverse("render", query=chosen)
    return format_html('<a class="tool" href="{}">{}</a>', address, label)


def to_the_second(moment: datetime | None) -> str:
    """A time with seconds, because a job's events follow each other within a minute."""
    return f"{localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else NOTHING


def short(text: str, length: int = 60) -> str:
    """The beginning of a long text, for a column."""
    return Truncator(text).chars(length, truncate="…") or NOTHING


def short_hash(digest: str) -> str:
    """The beginning of a hash, to compare by eye."""
    return f"{digest[:12]}…" if digest else NOTHING
