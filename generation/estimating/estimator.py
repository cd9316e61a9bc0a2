"""What a render will take, from the history of renders like it.

Like jobs have the same model, size, frames, steps and guidance, on the same kind of device. A
model that is not resident adds what loading took lately. Without any history the answer is None:
pages then say "estimating" and the API says null.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from generation.models import Attempt, Device, StageTiming
from generation.specs import MediaType, RenderSpec
from generation.states import Outcome, Stage

HISTORY = 30
"""How many of the latest like attempts are looked at."""

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds of run time: the median, and the 5th and 95th percentile of like jobs."""

    seconds: float
    low: float
    high: float
    evidence: int


def shape_of(spec: RenderSpec) -> str:
    """What makes two renders comparable, as one short text."""
    guided = "guided" if spec.guided else "unguided"
    drawn = (
        f"{spec.model}|{spec.type}|{spec.width}x{spec.height}|{spec.frames}f|"
        f"{spec.denoising_steps}s|{guided}|{spec.scheduler}|{len(spec.loras)}l"
    )
    if spec.type == MediaType.IMAGE and spec.upscale == 1:
        return drawn
    context = f"{spec.context_frames}c{'o' if spec.loop else ''}"
    after = f"{spec.interpolate}i{spec.interpolator}|{spec.upscale}u{spec.upscaler}"
    return f"{drawn}|{context}|{after}|{'+'.join(spec.formats)}"


def predict(spec: RenderSpec, device: Device | None = None) -> Prediction | None:
    """Run time of a spec on a device, or on any that has run its like; None without history."""
    loading = 0.0
    if not spec.enhances and not _is_resident(spec.model, device):
        loading = load_seconds(spec.model, device) or 0.0
    history = _warm_seconds(shape_of(spec), device)
    if not history:
        return None
    return Prediction(
        seconds=median(history) + loading,
        low=_quantile(history, LOW) + loading,
        high=_quantile(history, HIGH) + loading,
        evidence=len(history),
    )


def stage_seconds(spec: RenderSpec) -> dict[Stage, float]:
    """Median seconds that like jobs spent in each stage; a stage without history is missing."""
    latest = Attempt.objects.completed().filter(shape=shape_of(spec)).values("pk")[:HISTORY]
    seconds: dict[Stage, list[float]] = defaultdict(list)
    rows = StageTiming.objects.filter(attempt__in=list(latest.values_list("pk", flat=True)))
    for stage, value in rows.values_list("stage", "seconds"):
        seconds[Stage(stage)].append(value)
    return {stage: median(values) for stage, values in seconds.items()}


def run_times(shapes: Iterable[str]) -> dict[tuple[str, str], float]:
    """Median seconds, loading aside, by shape and device name; one query for all of them."""
    latest = (
        Attempt.objects.comparable()
        .filter(shape__in=set(shapes))
        .annotate(
            age=Window(
                RowNumber(),
                partition_by=[F("shape"), F("device_name")],
                order_by=F("finished_at").desc(),
            )
        )
        .filter(age__lte=HISTORY)
        .values_list("shape", "device_name", "run_seconds", "load_seconds")
    )
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for shape, name, run, load in latest:
        if run is not None:
            seconds[shape, name].append(run - load)
    return {like: median(values) for like, values in seconds.items()}


def load_seconds(model: str, device: Device | None = None) -> float | None:
    """Seconds that loading a model took lately; None when it was never loaded."""
    loads = StageTiming.objects.filter(
        attempt__shape__startswith=f"{model}|", attempt__cold=True, stage=Stage.LOAD
    )
    # A load that failed ended early: its seconds say nothing.
    loads = loads.exclude(attempt__outcome=Outcome.FAILED)
    if device is not None:
        loads = loads.filter(attempt__device=device)
    found = list(loads.order_by("-id").values_list("seconds", flat=True)[:HISTORY])
    return median(found) if found else None


def _warm_seconds(shape: str, device: Device | None) -> list[float]:
    """Run time less the loading of the latest like attempts, in seconds, sorted."""
    attempts = Attempt.objects.comparable().filter(shape=shape)
    if device is not None:
        attempts = attempts.filter(device=device)
    rows = attempts.order_by("-finished_at").values_list("run_seconds", "load_seconds")[:HISTORY]
    return sorted(run - load for run, load in rows if run is not None)


def _is_resident(model: str, device: Device | None) -> bool:
    if device is not None:
        return model in device.resident
    return any(model in resident for resident in _resident_sets())


def _resident_sets() -> list[list[str]]:
    return list(Device.objects.online().values_list("resident", flat=True))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between the two nearest of the sorted values."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
