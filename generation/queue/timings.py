"""Records the end of an attempt: its outcome and the seconds of each stage."""

from dataclasses import dataclass, field

from django.utils import timezone

from generation.models import Attempt, DeviceTime, StageTiming
from generation.states import Outcome, Stage


@dataclass(slots=True)
class Timing:
    """Seconds of one stage; `steps` holds the seconds of each denoising step."""

    seconds: float
    steps: list[float] = field(default_factory=list)


Timings = dict[Stage, Timing]


def close_attempt(
    attempt: Attempt, outcome: Outcome, timings: Timings, problem: dict[str, str] | None = None
) -> None:
    """Write the outcome and stage timings. Call this in the transaction that ends the attempt."""
    now = timezone.now()
    attempt.outcome = outcome
    attempt.finished_at = now
    attempt.run_seconds = (now - attempt.started_at).total_seconds()
    attempt.error_code = (problem or {}).get("code", "")
    attempt.error_message = (problem or {}).get("message", "")
    attempt.load_seconds = timings[Stage.LOAD].seconds if Stage.LOAD in timings else 0.0
    attempt.save()
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
