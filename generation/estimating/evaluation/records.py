"""The performance history as records for the backtest."""

from __future__ import annotations

from collections.abc import Iterator

from generation.estimating.evaluation.backtest import Record
from generation.estimating.shapes import parse
from generation.estimating.speeds.learning import REST
from generation.models import Attempt


def record_of(attempt: Attempt) -> Record:
    """The record of a finished attempt."""
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
    """Records of all comparable attempts, the oldest first.

    Attempts whose shape an older version wrote in another format are left out.
    """
    # Attempts that were rolled up have no stage timings.
    timed = Attempt.objects.comparable().exclude(shape="").filter(timings__isnull=False)
    attempts = timed.distinct().order_by("finished_at")
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
