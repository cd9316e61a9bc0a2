"""Why processes end, as far as the kernel tells, and how long they wait before the next start."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from generation.models import Device, absences
from generation.queue import away
from studio.management import memory_kills
from studio.management.backoff import Backoff, Patience
from studio.management.children import End
from studio.management.memory_kills import MemoryKills
from studio.management.supervisor import why_it_ended


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_calm_run() -> None:
    backoff = Backoff(Patience(first=1.0, most_doubled=3, calm=60.0))

    assert [backoff.after(ran=0.5) for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert [backoff.after(ran) for ran in (61.0, 0.5)] == [1.0, 2.0]


def ends(status: int, for_memory: bool = False) -> list[End]:
    return [End(at, 0.1, 1, status, for_memory) for at in (10.0, 22.0)]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (ends(-signal.SIGKILL, for_memory=True), absences.ENDED_BY_MEMORY),
        (ends(-signal.SIGKILL), absences.ENDED_BY_KILL),
        (ends(-signal.SIGSEGV), absences.ENDED_BY_SIGNAL),
        (ends(1), absences.ENDED_WITH_STATUS),
    ],
    ids=["memory", "kill", "signal", "status"],
)
def test_the_reason_is_the_memory_the_signal_or_the_status(found: list[End], why: Any) -> None:
    told = why_it_ended(found)

    assert told.code == why.code
    assert (told.values["count"], told.values["seconds"]) == (2, 12)


def test_every_reason_can_be_kept_with_its_device(db: None) -> None:
    device = Device.objects.create(name="cpu:0")
    for found in (ends(-signal.SIGKILL, for_memory=True), ends(-signal.SIGSEGV), ends(1)):
        why = why_it_ended(found)

        away.set_aside(device, why, timezone.now())

        device.refresh_from_db()
        assert device.set_aside == why


def test_a_kill_of_the_kernel_for_memory_is_known_for_some_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = tmp_path / "vmstat"
    counted.write_text("nr_free_pages 5\noom_kill 2\n")
    monkeypatch.setattr(memory_kills, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory_kills, "WHOLE_MACHINE", counted)
    kills = MemoryKills()
    assert not kills.rose

    counted.write_text("nr_free_pages 5\noom_kill 3\n")
    assert kills.rose

    monkeypatch.setattr(memory_kills, "LATELY_SECONDS", -1.0)
    kills.look()
    assert not kills.rose
