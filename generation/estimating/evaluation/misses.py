"""Explanations of wrong estimates: a table of rules with one sentence each.

The first rule that holds gives the explanation. The rules compare the assumptions of the estimate
with the data of the attempt, so an explanation is likely but not certain. If no rule holds, none is
given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.estimating.estimate import THIN
from generation.estimating.evaluation import explanations
from generation.estimating.evaluation.backtest import WITHIN, EstimatedRun
from generation.models import Attempt
from generation.sentences import Sentence

MUCH_LOAD = 0.25
"""Change of the host load, in runnable threads per core, that explains an error."""
LONG_LOADING = 1.5
"""Loading that takes more than this multiple of the usual time is long."""


@dataclass(frozen=True, slots=True)
class Miss:
    """An estimate with a large error.

    `usual_load` is the usual seconds of loading the model on the device; None if unknown.
    `earlier` is the number of attempts of the same shape that the device had completed before the
    estimate, counted up to THIN. `assumed` has the known assumptions of the estimate: `device`,
    `cold` and `host_load`.
    """

    attempt: Attempt
    estimated: EstimatedRun
    usual_load: float | None
    earlier: int
    assumed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slower(self) -> bool:
        """True if the run took longer than estimated."""
        return self.estimated.actual > self.estimated.seconds

    @property
    def explanation(self) -> Sentence:
        """The likely reason of the error."""
        found = (sentence for holds, sentence in RULES if holds(self))
        return next(found, explanations.UNEXPLAINED)


def earlier_alike(attempt: Attempt) -> int:
    """The number of attempts of its shape on its device before the submit, up to THIN."""
    alike = Attempt.objects.comparable().filter(
        shape=attempt.shape, device=attempt.device_id, finished_at__lt=attempt.job.submitted_at
    )
    return len(alike.values_list("pk")[:THIN])


def _ran_elsewhere(miss: Miss) -> bool:
    """Whether it ran on another device than it was estimated for."""
    return miss.assumed.get("device", miss.attempt.device_name) != miss.attempt.device_name


def _was_loaded(miss: Miss) -> bool:
    """Whether the estimate would have been right with the loading of the model added."""
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
    """Whether the estimate would have been right if the model had been loaded."""
    if miss.attempt.cold or miss.slower or not miss.usual_load:
        return False
    if miss.assumed.get("cold") is False:
        return False
    return _right(miss.estimated.seconds, miss.estimated.actual + miss.usual_load)


def _load_increase(miss: Miss) -> float:
    """Increase of the host load from the claim to the mean of the run."""
    return miss.attempt.host_load - miss.attempt.host_load_before


def _load_increase_before_claim(miss: Miss) -> float:
    """Increase of the host load from the submit to the claim."""
    before = miss.attempt.host_load_before
    return before - float(miss.assumed.get("host_load", before))


def _right_at_claim(miss: Miss) -> bool:
    at_claim = miss.attempt.estimated_seconds
    return at_claim is not None and _right(at_claim, miss.estimated.actual)


def _right(seconds: float, actual: float) -> bool:
    return EstimatedRun(seconds, actual).error <= WITHIN


RULES: tuple[tuple[Callable[[Miss], bool], Sentence], ...] = (
    (_ran_elsewhere, explanations.OTHER_DEVICE),
    (_was_loaded, explanations.MODEL_NOT_LOADED),
    (_loaded_slowly, explanations.SLOW_LOADING),
    (_was_resident, explanations.MODEL_LOADED),
    (
        lambda miss: miss.slower and _load_increase(miss) > MUCH_LOAD,
        explanations.WORK_BEGAN_DURING_RUN,
    ),
    (
        lambda miss: not miss.slower and _load_increase(miss) < -MUCH_LOAD,
        explanations.WORK_ENDED_DURING_RUN,
    ),
    (
        lambda miss: miss.slower and _load_increase_before_claim(miss) > MUCH_LOAD,
        explanations.WORK_BEGAN_DURING_WAIT,
    ),
    (
        lambda miss: not miss.slower and _load_increase_before_claim(miss) < -MUCH_LOAD,
        explanations.WORK_ENDED_DURING_WAIT,
    ),
    (
        lambda miss: (
            miss.slower and _right_at_claim(miss) and miss.attempt.host_load_before > MUCH_LOAD
        ),
        explanations.BUSY_HOST,
    ),
    (lambda miss: miss.earlier == 0, explanations.FIRST_OF_ITS_SHAPE),
    (lambda miss: miss.earlier < THIN, explanations.FEW_OF_ITS_SHAPE),
    (_right_at_claim, explanations.LEARNED_MEANWHILE),
)
