"""Why an estimate was far off, in one sentence: a table of readable rules.

The first rule that holds is told. They compare what the estimate assumed with what was noted of
the attempt, so they name what is likely to have been the reason, and claim nothing where nothing
fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.estimating.estimate import THIN
from generation.estimating.evaluation.backtest import WITHIN, EstimatedRun
from generation.models import Attempt

MUCH_LOAD = 0.25
"""Other work on the host, as runnable threads for each core, that makes a difference."""
LONG_LOADING = 1.5
"""A loading so many times as long as usual is a long one."""

UNEXPLAINED = "Nothing known explains it."


@dataclass(frozen=True, slots=True)
class Miss:
    """An estimate that was far off.

    `usual_load` are the seconds that loading its model usually takes there; None when unknown.
    `earlier` counts its like that were finished on the device when it was estimated, up to THIN.
    `assumed` is what the estimate held for, as far as known: `device`, `cold` and `host_load`.
    """

    attempt: Attempt
    estimated: EstimatedRun
    usual_load: float | None
    earlier: int
    assumed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slower(self) -> bool:
        """True when it took longer than was estimated."""
        return self.estimated.actual > self.estimated.seconds

    @property
    def explanation(self) -> str:
        """What is likely to have been the reason."""
        return next((told for holds, told in RULES if holds(self)), UNEXPLAINED)


def earlier_alike(attempt: Attempt) -> int:
    """How many of its like its device had finished when it was estimated; counted up to THIN."""
    alike = Attempt.objects.comparable().filter(
        shape=attempt.shape, device=attempt.device_id, finished_at__lt=attempt.job.submitted_at
    )
    return len(alike.values_list("pk")[:THIN])


def _ran_elsewhere(miss: Miss) -> bool:
    """It ran on another device than it was estimated for."""
    return miss.assumed.get("device", miss.attempt.device_name) != miss.attempt.device_name


def _was_loaded(miss: Miss) -> bool:
    """With the loading added, the estimate would have been right."""
    if not miss.attempt.cold or not miss.slower or miss.assumed.get("cold"):
        return False
    return _right(miss.estimated.seconds + miss.attempt.load_seconds, miss.estimated.actual)


def _loaded_slowly(miss: Miss) -> bool:
    usual = miss.usual_load
    if not miss.attempt.cold or not usual or not miss.slower:
        return False
    more = miss.attempt.load_seconds - usual
    late = miss.estimated.actual - miss.estimated.seconds
    return miss.attempt.load_seconds > usual * LONG_LOADING and more > late / 2


def _was_resident(miss: Miss) -> bool:
    """Had it been loaded, the estimate would have been right."""
    if miss.attempt.cold or miss.slower or not miss.usual_load:
        return False
    if miss.assumed.get("cold") is False:
        return False
    return _right(miss.estimated.seconds, miss.estimated.actual + miss.usual_load)


def _load_increase(miss: Miss) -> float:
    """How much the host's other work grew between the claim and the run, on the mean."""
    return miss.attempt.host_load - miss.attempt.host_load_before


def _load_increase_before_claim(miss: Miss) -> float:
    """How much the host's other work grew between the submit and the claim."""
    before = miss.attempt.host_load_before
    return before - float(miss.assumed.get("host_load", before))


def _right_at_claim(miss: Miss) -> bool:
    at_claim = miss.attempt.estimated_seconds
    return at_claim is not None and _right(at_claim, miss.estimated.actual)


def _right(seconds: float, actual: float) -> bool:
    return EstimatedRun(seconds, actual).error <= WITHIN


RULES: tuple[tuple[Callable[[Miss], bool], str], ...] = (
    (
        _ran_elsewhere,
        "It ran on another device than was expected.",
    ),
    (
        _was_loaded,
        "The model had to be loaded first; it was expected to be there already.",
    ),
    (
        _loaded_slowly,
        "Loading the model took much longer than usual.",
    ),
    (
        _was_resident,
        "The model was there already; it was expected to be loaded first.",
    ),
    (
        lambda miss: miss.slower and _load_increase(miss) > MUCH_LOAD,
        "Other work on the host began while it ran.",
    ),
    (
        lambda miss: not miss.slower and _load_increase(miss) < -MUCH_LOAD,
        "Other work on the host ended while it ran.",
    ),
    (
        lambda miss: miss.slower and _load_increase_before_claim(miss) > MUCH_LOAD,
        "Other work on the host began while it waited.",
    ),
    (
        lambda miss: not miss.slower and _load_increase_before_claim(miss) < -MUCH_LOAD,
        "Other work on the host ended while it waited.",
    ),
    (
        lambda miss: (
            miss.slower and _right_at_claim(miss) and miss.attempt.host_load_before > MUCH_LOAD
        ),
        "The host was busy with other work when it started.",
    ),
    (
        lambda miss: miss.earlier == 0,
        "It was the first of its size, length and steps on this device.",
    ),
    (
        lambda miss: miss.earlier < THIN,
        "Hardly anything like it had been rendered on this device before.",
    ),
    (
        _right_at_claim,
        "When it started the estimate was right: more had been learned while it waited.",
    ),
)
