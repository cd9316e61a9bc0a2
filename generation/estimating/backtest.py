"""The history played again in the order of time: what would have been foretold, and was it true?

Every attempt is foretold by what was known before it and then learned, by our estimator and by the
peers' formulas, all on the same log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log
from statistics import median

from generation.estimating.cost import Demands
from generation.estimating.learning import Speeds
from generation.estimating.peers import peers
from generation.estimating.prediction import Prediction, foretell
from generation.estimating.shapes import parse

WITHIN = 0.20
"""How far off an estimate may be to count as right."""


@dataclass(frozen=True, slots=True)
class Record:
    """One finished attempt. Seconds by stage, `rest` among them; loads are those of the host."""

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
        """The whole run time."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Foretold:
    """What was said of a record; the range only where there is one."""

    seconds: float
    actual: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """How far off, as a share of the actual time."""
        return abs(self.seconds - self.actual) / self.actual

    @property
    def covered(self) -> bool:
        """Whether the range held the actual time."""
        return (
            self.low is not None and self.high is not None and self.low <= self.actual <= self.high
        )


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares and errors over many estimates; None where there is nothing to judge."""

    count: int
    within: float | None
    mean_error: float | None
    median_error: float | None
    coverage: float | None

    @classmethod
    def of(cls, foretold: Sequence[Foretold]) -> Accuracy:
        """The figures of some estimates."""
        if not foretold:
            return cls(0, None, None, None, None)
        errors = [one.error for one in foretold]
        ranged = [one for one in foretold if one.low is not None]
        return cls(
            len(errors),
            sum(error <= WITHIN for error in errors) / len(errors),
            sum(errors) / len(errors),
            median(errors),
            sum(one.covered for one in ranged) / len(ranged) if ranged else None,
        )


OURS = "Genga"
DemandsOf = Callable[[str], Demands]
"""What the stages of a shape have to do."""


def replay(
    records: Iterable[Record], demands_of: DemandsOf, skip: int = 0
) -> dict[str, list[Foretold]]:
    """Estimates by whom, of all records but the first `skip`, which are learned only."""
    known: dict[tuple[str, str], Speeds] = {}
    latest: dict[str, Speeds] = {}
    others = peers()
    said: dict[str, list[Foretold]] = {OURS: [], **{name: [] for name in others}}
    for number, record in enumerate(records):
        shape, demands = parse(record.shape), demands_of(record.shape)
        subject = (record.device, shape.model if shape.draws else "")
        speeds = known.setdefault(subject, Speeds(record.kind))
        last = latest.get(record.device)
        prediction = foretell(
            speeds,
            demands,
            record.work,
            cold=record.cold,
            host_load=record.load_before,
            drift=last.drift if last else None,
        )
        if number >= skip:
            if prediction is not None:
                said[OURS].append(
                    Foretold(prediction.seconds, record.seconds, prediction.low, prediction.high)
                )
            for name, peer in others.items():
                seconds = peer.foretell(record.shape)
                if seconds is not None:
                    said[name].append(Foretold(seconds, record.seconds))
        learn(speeds, demands, record, prediction, last)
        latest[record.device] = speeds
        for peer in others.values():
            peer.learn(record.shape, record.seconds)
    return said


def learn(
    speeds: Speeds,
    demands: Demands,
    record: Record,
    prediction: Prediction | None,
    latest: Speeds | None,
) -> None:
    """Take in a record that was foretold, or could not be; `latest` was learned before it."""
    if prediction is not None:
        speeds.band(record.work).learn(
            log(record.seconds / prediction.seconds),
            prediction.low <= record.seconds <= prediction.high,
            speeds.unsure(demands),
        )
    speeds.learn(demands, record.stages, cold=record.cold, load=record.load, latest=latest)
