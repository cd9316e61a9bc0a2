"""The performance history as records that estimates are judged and played again by."""

from __future__ import annotations

from collections.abc import Iterator

from generation.estimating.evaluation.backtest import Record
from generation.estimating.shapes import parse
from generation.estimating.speeds.learning import REST
from generation.models import Attempt


def record_of(attempt: Attempt) -> Record:
    """A finished attempt with the seconds of its stages."""
    stages = {timing.stage: timing.seconds for timing in attempt.timings.all()}
    stages[REST] = (attempt.run_seconds or 0.0) - sum(stages.values())
    return Record(
        attempt.shape,
        attempt.job.work,
        attempt.device_name,
        attempt.device.kind if attempt.device else "",
        bool(attempt.cold),
        attempt.host_load_before,
        attempt.host_load,
        stages,
    )


def records() -> Iterator[Record]:
    """Every attempt that says how long its like takes, the oldest first.

    Those whose shape an older version wrote in another form are left out.
    """
    # Of those that were rolled up no stage is known any more.
    told = Attempt.objects.comparable().exclude(shape="").filter(timings__isnull=False)
    attempts = told.distinct().order_by("finished_at")
    for attempt in (
        attempts.select_related("job", "device")
        .prefetch_related("timings")
        .iterator(chunk_size=500)
    ):
        if _is_readable(attempt.shape):
            yield record_of(attempt)


def _is_readable(shape: str) -> bool:
    try:
        parse(shape)
    except ValueError:
        return False
    return True
