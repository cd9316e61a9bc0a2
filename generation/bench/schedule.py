"""Our scheduler compared with first come first served, an even split and shortest job first.

A recorded day (pictures, drafts and clips; four priorities, three people, two different devices) is
replayed in simulated time, with the policy, assignment and preemption of the workers and with three
simple rules. The rules know expected run times only; the actual ones differ. The wait of a job is
the time between its submit and its end in which no device worked on it. Days of other seeds are
replayed too, to show that the result does not depend on the recorded day.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

from generation.bench import _day, _site
from generation.bench.simulation.replay import Arrival, Served, ServingRule, replay
from generation.bench.simulation.rules import EvenSplit, FirstCome, Policy, ShortestFirst
from generation.scheduling.assignment import Lane
from generation.states import Priority

HELP = "waits, makespan and idle time of a recorded day, beside three plain rules"
NAMES = {
    "ours": "this scheduler",
    "fcfs": "first come first served",
    "even": "even split",
    "sjf": "shortest job first",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of jobs and days, and the ageing."""
    parser.add_argument("--jobs", type=int, help="replay only the first jobs of the recorded day")
    parser.add_argument("--days", type=int, default=5, help="how many other days to replay")
    parser.add_argument(
        "--ageing", type=float, default=settings.GENGA_AGEING_MINUTES, help="minutes a level"
    )


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Replay the days with every rule; results are in seconds."""
    day, ageing = _day.read()[: options["jobs"]], options["ageing"]
    figures = _all_rules(day, ageing)
    _say(figures, say)
    others = []
    for seed in range(_day.DAY + 1, _day.DAY + 1 + options["days"]):
        others.append(_all_rules(_day.make(seed), ageing))
        say(f"generated day {seed}")
        _say(others[-1], say)
    return {
        **figures,
        "dominates_urgent_high": _dominates(figures),
        "makespan_loss": _loss(figures),
        "jobs": len(day),
        "ageing_minutes": ageing,
        "other_days": len(others),
        "other_days_dominated": sum(_dominates(one) for one in others),
        "other_days_makespan_loss": max((_loss(one) for one in others), default=0.0),
    }


def _all_rules(day: list[Arrival], ageing: float) -> dict[str, dict[str, Any]]:
    return {name: _figures(replay_day(day, rule)) for name, rule in rules(ageing).items()}


def rules(ageing_minutes: float) -> dict[str, ServingRule]:
    """New instances of all rules, by name."""
    return {
        "ours": Policy(ageing_minutes * 60.0, _day.expected),
        "fcfs": FirstCome(),
        "even": EvenSplit(),
        "sjf": ShortestFirst(),
    }


def replay_day(day: list[Arrival], rule: ServingRule) -> tuple[list[Served], list[Lane]]:
    """Replay a day; return the served jobs and the devices."""
    lanes = _day.lanes()
    return replay(day, lanes, rule), lanes


def _figures(played: tuple[list[Served], list[Lane]]) -> dict[str, Any]:
    served, lanes = played
    first = min(one.job.queued for one in served)
    makespan = max(one.finish for one in served) - first
    busy = sum(one.finish - one.job.queued - one.waited for one in served)
    waits: dict[Priority, list[float]] = {priority: [] for priority in Priority}
    for one in served:
        waits[Priority(one.job.priority)].append(one.waited)
    return {
        "mean_wait_s": {p.word: round(sum(w) / len(w), 1) for p, w in waits.items() if w},
        "p95_wait_s": {p.word: round(_site.percentile(w, 0.95), 1) for p, w in waits.items() if w},
        "makespan_s": round(makespan, 1),
        "idle_share": round(1.0 - busy / (makespan * len(lanes)), 4),
        "preemptions": sum(one.preemptions for one in served),
    }


def _dominates(figures: dict[str, dict[str, Any]]) -> bool:
    """Whether urgent and high work waits least with our rule, by mean and 95th percentile."""
    ours = figures["ours"]
    return all(
        ours[kind][word] <= other[kind][word]
        for other in figures.values()
        for kind in ("mean_wait_s", "p95_wait_s")
        for word in (Priority.URGENT.word, Priority.HIGH.word)
        if word in ours[kind]
    )


def _loss(figures: dict[str, dict[str, Any]]) -> float:
    """Relative difference of our makespan to the shortest one."""
    shortest = min(one["makespan_s"] for one in figures.values())
    return round(figures["ours"]["makespan_s"] / shortest - 1.0, 4)


def _say(figures: dict[str, dict[str, Any]], say: Callable[[str], None]) -> None:
    words: Sequence[str] = [priority.word for priority in Priority]
    heads = "".join(f"{word:>16}" for word in words)
    say(f"{'wait in seconds, mean / p95':<28}{heads}{'makespan':>10}{'idle':>7}")
    for name, one in figures.items():
        waits = "".join(
            f"{one['mean_wait_s'].get(word, 0.0):>8.0f}{one['p95_wait_s'].get(word, 0.0):>8.0f}"
            for word in words
        )
        say(f"{NAMES[name]:<28}{waits}{one['makespan_s']:>10.0f}{one['idle_share']:>7.1%}")
