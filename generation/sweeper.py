"""Putting right what a crash left behind: expired leases, unheard bells, half-written files."""

import logging
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from generation import jobs
from generation.models import Attempt, Device
from generation.scheduling.claim import claimable
from generation.states import Outcome, Status
from generation.tasks import bell

logger = logging.getLogger(__name__)

HALF_WRITTEN_SECONDS = 3600
"""Temporary files older than this belong to writers that are gone."""


def sweep_leases() -> int:
    """Take back every job whose worker has stopped renewing its lease; how many there were."""
    expired = Attempt.objects.filter(
        outcome=Outcome.RUNNING,
        job__status=Status.PROCESSING,
        job__lease_expires_at__lt=timezone.now(),
    ).select_related("job")
    return sum(jobs.give_up_lost(attempt) for attempt in expired)


def sweep_device(device: Device) -> int:
    """Take back what a former worker of this device held; for a worker that has just started."""
    left = Attempt.objects.filter(
        outcome=Outcome.RUNNING, job__status=Status.PROCESSING, job__device=device
    ).select_related("job")
    return sum(jobs.give_up_lost(attempt) for attempt in left)


def ring_if_forgotten(device: Device) -> bool:
    """Ring an idle device's own bell when work waits for it that it has not heard of."""
    if not Device.objects.idle().filter(pk=device.pk).exists():
        return False
    if not claimable(device).exists():
        return False
    bell(device.name)()
    return True


def sweep_half_written() -> int:
    """Delete temporary files of writers that were killed; how many there were."""
    count = 0
    oldest = time.time() - HALF_WRITTEN_SECONDS
    for path in Path(settings.MEDIA_ROOT).rglob(".writing-*"):
        # Another worker that starts now may sweep the same file.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
                count += 1
    return count
