"""The trash: ended jobs that people deleted, and whose files are freed some days later.

The rows stay, so that the history, device times and the numbers of takes do not change. Each
function returns whether the job changed.
"""

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from generation.live.events import EventKind
from generation.models import Job, Output
from generation.queue.transitions import note
from generation.states import ENDED


def put(job: Job) -> bool:
    """Move an ended job into the trash. False if it has not ended or is there already."""
    return note(
        job,
        EventKind.TRASHED,
        where={"status__in": ENDED, "trashed_at": None},
        fields={"trashed_at": timezone.now()},
    )


def restore(job: Job) -> bool:
    """Take a job out of the trash. False if it is not there, or its files are freed."""
    return note(
        job,
        EventKind.RESTORED,
        where={"trashed_at__isnull": False, "freed_at": None},
        fields={"trashed_at": None},
    )


def free(job: Job) -> bool:
    """Delete the files of a job in the trash for good.

    False if it is not in the trash, or if a job that has not ended starts from one of its files.
    """
    with transaction.atomic():
        outputs = list(Output.objects.filter(job=job))
        names = [str(output.file.name) for output in outputs]
        if Job.objects.active().filter(spec_data__source__file__in=names).exists():
            return False
        freed = note(
            job,
            EventKind.FREED,
            where={"trashed_at__isnull": False, "freed_at": None},
            fields={"freed_at": timezone.now()},
        )
        if freed:
            Output.objects.filter(job=job).delete()
            # After the commit: rows without files would be shown, files without rows are swept.
            transaction.on_commit(lambda: _delete_files(outputs))
    return freed


def _delete_files(outputs: list[Output]) -> None:
    for output in outputs:
        for file in (output.file, output.thumbnail, output.strip):
            if file:
                default_storage.delete(str(file.name))
