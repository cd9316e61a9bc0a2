"""What a page says of a job whose device is away."""

from django.utils.html import format_html

from generation.models import Job
from generation.models.absences import AWAY_SINCE
from studio.presentation.moments import moment


def absence(job: Job) -> str:
    """The sentence with the time in the viewer's zone; empty while the device is there."""
    said = job.absence
    if said is None:
        return ""
    if said.sentence != AWAY_SINCE or job.device is None or job.device.heartbeat_at is None:
        return said.text
    return format_html(
        AWAY_SINCE.template, device=job.device.name, since=moment(job.device.heartbeat_at)
    )
