"""Backtest: replays the performance history and evaluates the estimates.

In order of time, every attempt is estimated from the attempts before it and then learned, by our
estimator and by the formulas of other programs, all on the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log
from statistics import median

from generation.estimating.cost import Demands
from generation.estimating.estimate import Estimate, estimate_from
from generation.estimating.evaluation.peers import peers
from generation.estimating.shapes import parse
from generation.estimating.speeds.learning import Speeds

WITHIN = 0.20
"""Largest relative error of an estimate that counts as right."""


@dataclass(frozen=True, slots=True)
class Record:
    """One finished attempt. `stages` has seconds, including REST; loads are those of the host."""

    shape: str
    work: str
    device: str
    kind: str
    cold: bool
    load_before: float
    load: float
    stages: dict[str, float]

    @property
    def seconds(self) -> float:
        """The run time."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class EstimatedRun:
    """The estimate of a run and its actual seconds. Not every estimate has a range."""

    seconds: float
    actual: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """The relative error, as a share of the actual time."""
        return abs(self.seconds - self.actual) / self.actual

    @property
    def covered(self) -> bool:
        """Whether the range contains the actual time."""
        return (
            self.low is not None and self.high is not None and self.low <= self.actual <= self.high
        )


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares and errors over several estimates; None where there are no data."""

    count: int
    within: float | None
    mean_error: float | None
    median_error: float | None
    coverage: float | None

    @classmethod
    def of(cls, estimated: Sequence[EstimatedRun]) -> Accuracy:
        """The accuracy of these estimates."""
        if not estimated:
            return cls(0, None, None, None, None)
        errors = [run.error for run in estimated]
        ranged = [run for run in estimated if run.low is not None]
        return cls(
            len(errors),
            sum(error <= WITHIN for error in errors) / len(errors),
            sum(errors) / len(errors),
            median(errors),
            sum(run.covered for run in ranged) / len(ranged) if ranged else None,
        )


OURS = "Genga"
DemandsOf = Callable[[str], Demands]
"""Returns the demands of a shape."""


def replay(
    records: Iterable[Record], demands_of: DemandsOf, skip: int = 0
) -> dict[str, list[EstimatedRun]]:
    """Estimates by estimator of all records except the first `skip`, which are only learned."""
    known: dict[tuple[str, str], Speeds] = {}
    latest: dict[str, Speeds] = {}
    competitors = peers()
    estimates: dict[str, list[EstimatedRun]] = {OURS: [], **{name: [] for name in competitors}}
    for number, record in enumerate(records):
        shape, demands = parse(record.shape), demands_of(record.shape)
        subject = (record.device, shape.subject)
        speeds = known.setdefault(subject, Speeds(record.kind))
        last = latest.get(record.device)
        estimate = estimate_from(
            speeds,
            demands,
            record.work,
            cold=record.cold,
            host_load=record.load_before,
            drift=last.drift if last else None,
        )
        if number >= skip:
            if estimate is not None:
                estimates[OURS].append(
                    EstimatedRun(estimate.seconds, record.seconds, estimate.low, estimate.high)
                )
            for name, peer in competitors.items():
                seconds = peer.estimate(record.shape)
                if seconds is not None:
                    estimates[name].append(EstimatedRun(seconds, record.seconds))
        learn(speeds, demands, record, estimate, last)
        latest[record.device] = speeds
        for peer in competitors.values():
            peer.learn(record.shape, record.seconds)
    return estimates


def learn(
    speeds: Speeds,
    demands: Demands,
    record: Record,
    estimate: Estimate | None,
    latest: Speeds | None,
) -> None:
    """Learn a record and the error of its estimate, if it had one.

    `latest` are the speeds that were learned last on the device.
    """
    if estimate is not None:
        speeds.band(record.work).learn(
            log(record.seconds / estimate.seconds),
            estimate.low <= record.seconds <= estimate.high,
            speeds.unsure(demands),
        )
    speeds.learn(demands, record.stages, cold=record.cold, load=record.load, latest=latest)
