"""Cleans up after crashes: lost bells, half-written and unnamed files, old frames."""

import logging
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.media import plain_files
from generation.models import Attempt, Device, Job, Output
from generation.models.output import FRAMES_KIND
from generation.queue import trash
from generation.scheduling.placement import claimable
from generation.states import Outcome
from generation.worker import orphans
from generation.worker.bells import bell
from generation.worker.frame_stages import work_folder
from generation.worker.resume import kept_frames, snapshots

logger = logging.getLogger(__name__)

HALF_WRITTEN_SECONDS = 3600
"""Temporary files older than this belong to processes that no longer run."""


def ring_if_forgotten(device: Device) -> bool:
    """Ring the bell of an idle device if work waits for it, because a message may be lost."""
    if not Device.objects.idle().filter(pk=device.pk).exists():
        return False
    if not claimable(device).exists():
        return False
    bell(device.name)()
    return True


def sweep_half_written() -> int:
    """Delete temporary files of killed processes; return their number."""
    count = 0
    oldest = time.time() - HALF_WRITTEN_SECONDS
    for path in Path(settings.MEDIA_ROOT).rglob(".writing-*"):
        # Another worker that starts now may delete the same file.
        with suppress(OSError):
            if path.lstat().st_mtime < oldest:
                plain_files.remove(path)
                count += 1
    return count


def sweep_orphans() -> int:
    """Delete stored files that their killed process did not name; return their number.

    It looks at this and the last month, and leaves alone what the database knows nothing of;
    `manage.py doctor` looks at everything. Every storage fails in its own way, and none of them is
    a reason not to start.
    """
    try:
        found = orphans.find(orphans.recent_folders(timezone.now().date()))
        return orphans.delete(orphan for orphan in found if orphan.known)
    except Exception:
        logger.exception("the storage was not searched for files that nothing names")
        return 0


def sweep_work() -> int:
    """Delete frames of ended attempts and kept frames of ended jobs; return how many folders."""
    running = Attempt.objects.filter(outcome=Outcome.RUNNING).select_related("job")
    in_use = {work_folder(attempt) for attempt in running}
    waiting = Job.objects.active().filter(pk__in=kept_frames.job_ids())
    in_use |= {kept_frames.folder(pk) for pk in waiting.values_list("pk", flat=True)}
    left = [path for path in kept_frames.root().glob("*") if path not in in_use]
    for path in left:
        with suppress(OSError):
            plain_files.remove(path)
    return len(left)


def sweep_snapshots() -> int:
    """Delete snapshots of jobs that have ended or were deleted; return their number."""
    on_disk = snapshots.job_ids()
    left = on_disk - set(Job.objects.active().filter(pk__in=on_disk).values_list("pk", flat=True))
    for job_id in left:
        with suppress(OSError):
            snapshots.discard(job_id)
    return len(left)


def sweep_frames() -> int:
    """Delete lossless frames past their retention, unless held; return the number of clips."""
    kept_since = timezone.now() - timedelta(days=settings.GENGA_FRAMES_DAYS)
    old = list(Output.objects.filter(kind=FRAMES_KIND, ageing_since__lt=kept_since))
    for output in old:
        output.delete()
        default_storage.delete(str(output.file.name))
    return len(old)


def sweep_trash() -> int:
    """Free the files of jobs that have been in the trash long enough; return their number."""
    kept_since = timezone.now() - timedelta(days=settings.GENGA_TRASH_DAYS)
    old = Job.objects.in_trash().filter(trashed_at__lt=kept_since)
    return sum(trash.free(job) for job in old)
