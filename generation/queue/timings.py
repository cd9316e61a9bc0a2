"""Records the end of an attempt: its outcome and the seconds of each stage."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from generation.models import Attempt, DeviceTime, StageTiming
from generation.states import Outcome, Stage

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Timing:
    """Seconds of one stage; `steps` holds the seconds of each denoising step."""

    seconds: float
    steps: list[float] = field(default_factory=list)


Timings = dict[Stage, Timing]

OWN_FIELDS = [
    column.name
    for column in Attempt._meta.concrete_fields
    if not column.is_relation and not column.primary_key
]
"""All but the job and the device: the row of the device may be gone by the end of the attempt."""

Learn = Callable[[Attempt, Iterable[tuple[str, float]]], None]
"""Learns from a finished attempt and the seconds of its stages."""


def close_attempt(
    attempt: Attempt, outcome: Outcome, timings: Timings, problem: dict[str, str] | None = None
) -> None:
    """Write the outcome and stage timings. Call this in the transaction that ends the attempt."""
    now = timezone.now()
    attempt.outcome = outcome
    attempt.finished_at = now
    # Of an attempt in another process only the heartbeats have noted how long it ran.
    attempt.run_seconds = attempt.run_seconds or 0.0 if attempt.elapsed is None else attempt.elapsed
    attempt.error_code = (problem or {}).get("code", "")
    attempt.error_message = (problem or {}).get("message", "")
    attempt.load_seconds = timings[Stage.LOAD].seconds if Stage.LOAD in timings else 0.0
    attempt.save(update_fields=OWN_FIELDS)
    DeviceTime.add(attempt.job.owner_id, attempt.run_seconds / attempt.batch_size, now)
    StageTiming.objects.bulk_create(
        StageTiming(
            attempt=attempt,
            stage=stage,
            seconds=round(timing.seconds, 6),
            steps=[round(seconds, 6) for seconds in timing.steps],
        )
        for stage, timing in timings.items()
    )


def learn_from(attempt: Attempt, timings: Timings, learn: Learn) -> None:
    """Learn from a completed attempt that ran alone and from its start.

    Call this in the transaction that ends it. An error is logged and undoes only what was learned:
    an estimate may be a little worse, a finished render may not fail.
    """
    if not attempt.is_comparable:
        return
    try:
        with transaction.atomic():
            learn(attempt, [(stage, timing.seconds) for stage, timing in timings.items()])
    except Exception:
        logger.exception("nothing was learned from attempt %s", attempt.pk)
