"""Chooses which devices yield to urgent work. Plain data in, plain data out.

If no free device takes an urgent job, a device that runs a job of lower priority starts it at once.
The lower job is saved between two denoising steps, returns to its old place in the queue, and
resumes later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from generation.scheduling.policy import is_own_calibration
from generation.states import Priority

MAX_PREEMPTIONS = 3
"""A job that was preempted this often is not preempted again."""
NEARLY_DONE_SHARE = 0.05
NEARLY_DONE_SECONDS = 20.0
"""A run is nearly done, and not preempted, if at most this fraction of its run time, and at most
this many seconds, are left: saving and resuming it would cost nearly as much."""


@dataclass(frozen=True, slots=True)
class Running:
    """The running job of a device that could run the urgent job.

    `remaining` and `whole` are seconds of its run time, None if unknown.
    """

    device: str
    priority: int
    preemptions: int
    remaining: float | None
    whole: float | None


def yields_to_all(priority: int, pinned: int | None, preemptions: int) -> bool:
    """Whether the running job yields to any other job that its device takes.

    A device's own calibration does. Another device may be the one that claims the other job, so
    the limit of preemptions ends the interruptions.
    """
    return is_own_calibration(priority, pinned) and preemptions < MAX_PREEMPTIONS


def nearly_done(running: Running) -> bool:
    """Whether too little is left to be worth an interruption."""
    if running.remaining is None or running.whole is None:
        return False
    share = running.remaining / running.whole if running.whole > 0 else 0.0
    return share <= NEARLY_DONE_SHARE and running.remaining <= NEARLY_DONE_SECONDS


def may_yield(running: Running) -> bool:
    """Whether the urgent job may preempt this one."""
    return (
        running.priority != Priority.URGENT
        and running.preemptions < MAX_PREEMPTIONS
        and not nearly_done(running)
    )


def victims(running: Iterable[Running], urgent: int) -> list[str]:
    """The devices that yield to `urgent` urgent jobs, which no free device takes.

    Jobs of the lowest priority yield first, then those preempted least often, then those with the
    longest remaining time, because most of their work is left for whichever device is free later.
    """
    able = [run for run in running if may_yield(run)]
    able.sort(
        key=lambda run: (
            -run.priority,
            run.preemptions,
            -(run.remaining if run.remaining is not None else float("inf")),
            run.device,
        )
    )
    return [run.device for run in able[: max(0, urgent)]]
