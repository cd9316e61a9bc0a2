"""The jobs of a day in a small studio: submit times, owners, priorities and actual run times.

`day.csv` beside this file is the recorded day of seed DAY; other seeds generate other days. Three
people submit jobs from nine to six, and two different devices run them. Long clips are left in the
evening, so that the makespan shows which rule used the devices badly.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Final

from generation.bench.simulation.replay import Arrival
from generation.demo.portraits import seeded_source
from generation.scheduling.assignment import Lane
from generation.scheduling.policy import WaitingJob
from generation.states import Priority, Work

DAY: Final = 1
RECORDED: Final = Path(__file__).with_name("day.csv")
HOUR: Final = 3600.0
SPREAD: Final = 0.15
"""Standard deviation of the logarithm of actual over expected run time."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, with the expected seconds by device.

    `asked` is the number of requests per person and day, each of up to `most` jobs. `odds` are the
    weights of urgent, high, normal and low priority.
    """

    work: Work
    family: str
    side: int
    model: str
    steps: int
    seconds: dict[str, float]
    asked: int
    most: int
    odds: tuple[float, float, float, float]


KINDS: Final = {
    "preview": Kind(
        Work.PREVIEW, "sd", 512, "toon", 12, {"small": 4}, 30, 8, (0.06, 0.24, 0.6, 0.1)
    ),
    "picture": Kind(
        Work.IMAGE, "sd", 768, "toon", 25, {"large": 12, "small": 30}, 25, 4, (0.06, 0.24, 0.6, 0.1)
    ),
    "poster": Kind(
        Work.IMAGE,
        "sdxl",
        1024,
        "xl",
        30,
        {"large": 25, "small": 80},
        12,
        3,
        (0.05, 0.2, 0.5, 0.25),
    ),
    "clip": Kind(
        Work.VIDEO, "animatediff", 512, "motion", 25, {"large": 420}, 8, 1, (0.08, 0.2, 0.5, 0.22)
    ),
    "long clip": Kind(
        Work.VIDEO, "animatediff", 512, "motion", 25, {"large": 2400}, 2, 1, (0.0, 0.1, 0.4, 0.5)
    ),
    "in-betweens": Kind(
        Work.INTERPOLATE, "", 0, "", 0, {"large": 150}, 4, 2, (0.05, 0.2, 0.5, 0.25)
    ),
    "enlargement": Kind(Work.UPSCALE, "", 0, "", 0, {"small": 25}, 10, 4, (0.05, 0.2, 0.5, 0.25)),
}
LOADING: Final = {"toon": 3.0, "xl": 8.0, "motion": 6.0}
PEOPLE: Final = 3


def make(seed: int) -> list[Arrival]:
    """Generate a day, in order of arrival. Times are seconds since nine."""
    source = seeded_source(seed)
    asked: list[tuple[float, int, int, str, float]] = []
    for owner in range(PEOPLE):
        for name, kind in KINDS.items():
            for _ in range(kind.asked):
                at = _moment(source)
                (priority,) = source.choices(list(Priority), kind.odds)
                for number in range(source.randint(1, kind.most)):
                    factor = exp(source.gauss(0.0, SPREAD))
                    asked.append((round(at + number, 1), owner, priority, name, round(factor, 3)))
    return [_arrival(number, *request) for number, request in enumerate(sorted(asked))]


def read(path: Path = RECORDED) -> list[Arrival]:
    """Read a recorded day."""
    with path.open(newline="") as file:
        return [
            _arrival(
                number,
                float(row["at"]),
                int(row["owner"]),
                Priority.from_word(row["priority"]),
                row["kind"],
                float(row["factor"]),
            )
            for number, row in enumerate(csv.DictReader(file))
        ]


def lanes() -> list[Lane]:
    """The two devices without loaded models: a large one and a small one."""
    return [_lane("large"), _lane("small")]


def expected(job: WaitingJob) -> float:
    """Expected seconds on the fastest device."""
    return min(KINDS[job.shape].seconds.values())


def _lane(name: str) -> Lane:
    return Lane(
        name,
        0.0,
        lambda job: name in KINDS[job.shape].seconds,
        lambda job: KINDS[job.shape].seconds.get(name),
        lambda job: LOADING.get(job.model),
    )


def _arrival(
    number: int, at: float, owner: int, priority: int, name: str, factor: float
) -> Arrival:
    kind = KINDS[name]
    job = WaitingJob(
        number, owner, priority, at, at, kind.work, kind.family, kind.side, kind.model, name
    )
    return Arrival(job, kind.steps, factor)


def _moment(source: random.Random) -> float:
    """A random submit time. Most are around eleven and around four."""
    middle = source.choice((2.0, 7.0))
    return min(max(0.0, source.gauss(middle, 1.2)), 9.0) * HOUR
