"""User requests for a submitted job: cancel, retry, hold, release, move, change priority.

Each function changes the job through `transitions` and returns whether the job changed.
"""

from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from generation.live.events import EventKind
from generation.models import Job
from generation.queue import progress_row, recovery
from generation.queue.transitions import move, note, ring_on_commit
from generation.states import Priority, Status


def cancel(job: Job) -> bool:
    """Cancel a waiting job at once, or request the worker of a running job to stop.

    Where that worker is away, nobody would hear of it, so the job ends at once. Returns False if
    the job has ended already or its cancellation was requested before.
    """
    now = timezone.now()

    def cancel_waiting() -> bool:
        fields = {"finished_at": now}
        return move(job, Status.QUEUED, Status.CANCELLED, EventKind.CANCELLED, fields=fields)

    running = {"status": Status.PROCESSING, "cancel_requested_at": None}
    requested = {"cancel_requested_at": now}
    if cancel_waiting():
        return True
    if note(job, EventKind.CANCEL_REQUESTED, where=running, fields=requested):
        recovery.end_cancelled(job)
        return True
    # The job ran at the first try, but was handed back before the second: it waits now.
    return cancel_waiting()


def change_priority(job: Job, priority: Priority) -> bool:
    """Change a waiting job's priority. False if it does not wait or has that priority already."""
    with transaction.atomic():
        changed = note(
            job,
            EventKind.PRIORITY_CHANGED,
            where={"status": Status.QUEUED, "priority__in": set(Priority) - {priority}},
            fields={"priority": priority},
            data={"priority": priority.word},
        )
        if changed:
            ring_on_commit(job)
    return changed


def retry(job: Job) -> bool:
    """Queue a failed or cancelled job again, at the end of its priority. False otherwise.

    A job in the trash must be restored first.
    """
    now = timezone.now()
    fields: dict[str, Any] = {
        "queued_at": now,
        "rank": now.timestamp(),
        "held_at": None,
        "saved_steps": 0,
        "preemptions": 0,
        "device": None,
        "started_at": None,
        "finished_at": None,
        "cancel_requested_at": None,
        "error_code": "",
        "error_message": "",
        "error_hint": "",
    }
    with transaction.atomic():
        moved = any(
            move(
                job,
                status,
                Status.QUEUED,
                EventKind.QUEUED,
                where={"trashed_at": None},
                fields=fields,
                data={"retry": True},
            )
            for status in (Status.FAILED, Status.CANCELLED)
        )
        if moved:
            progress_row.clear(job)
            ring_on_commit(job)
    return moved


def hold(job: Job) -> bool:
    """Keep a waiting job from starting until it is released. False if it does not wait."""
    return note(
        job,
        EventKind.HELD,
        where={"status": Status.QUEUED, "held_at": None},
        fields={"held_at": timezone.now()},
    )


def release(job: Job) -> bool:
    """Release a held job; it keeps its old place in the queue. False if it is not held."""
    with transaction.atomic():
        changed = note(
            job,
            EventKind.RELEASED,
            where={"status": Status.QUEUED, "held_at__isnull": False},
            fields={"held_at": None},
        )
        if changed:
            ring_on_commit(job)
    return changed


def move_to_front(job: Job) -> bool:
    """Make a waiting job the first of its owner's jobs in its priority. False if it is already.

    It does not overtake jobs of other owners: the policy decides the order between owners.
    """
    mine = Job.objects.waiting().filter(owner=job.owner_id, priority=job.priority)
    first = mine.exclude(pk=job.pk).aggregate(rank=Min("rank"))["rank"]
    if first is None:
        return False
    return note(
        job,
        EventKind.MOVED,
        where={"status": Status.QUEUED, "rank__gte": first},
        fields={"rank": first - 1.0},
    )
