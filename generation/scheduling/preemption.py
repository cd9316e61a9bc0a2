"""Who gives way to urgent work. Plain data in and out.

An urgent job that no free device takes is started at once by a device that runs lower work: that
work is saved between two denoising steps, waits in its old place, and goes on later where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from generation.states import Priority

MAX_PREEMPTIONS = 3
"""A job that gave way this often is left to finish."""
NEARLY_DONE_SHARE = 0.05
NEARLY_DONE_SECONDS = 20.0
"""Work is nearly done, and left to finish, with no more than this share of its run time left and
no more than these seconds: saving, and going on later, would cost nearly as much."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a device that could run the urgent job runs now.

    `remaining` and `whole` are seconds, None while they are not known.
    """

    device: str
    priority: int
    preemptions: int
    remaining: float | None
    whole: float | None


def nearly_done(running: Running) -> bool:
    """Whether what is left is too little to be worth interrupting."""
    if running.remaining is None or running.whole is None:
        return False
    share = running.remaining / running.whole if running.whole > 0 else 0.0
    return share <= NEARLY_DONE_SHARE and running.remaining <= NEARLY_DONE_SECONDS


def may_give_way(running: Running) -> bool:
    """Whether this work may be interrupted at all for the urgent job."""
    return (
        running.priority != Priority.URGENT
        and running.preemptions < MAX_PREEMPTIONS
        and not nearly_done(running)
    )


def victims(running: Iterable[Running], urgent: int) -> list[str]:
    """The devices that give way to so many urgent jobs, that no free device takes.

    The lowest priority first, then what was preempted least, then what has longest to go: most is
    left to be done afterwards by whichever device is free.
    """
    able = [one for one in running if may_give_way(one)]
    able.sort(
        key=lambda one: (
            -one.priority,
            one.preemptions,
            -(one.remaining if one.remaining is not None else float("inf")),
            one.device,
        )
    )
    return [one.device for one in able[: max(0, urgent)]]
