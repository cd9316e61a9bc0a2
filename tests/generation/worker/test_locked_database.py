"""What is not the result never fails the result: renders while the database takes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from generation.models import Attempt, Device, Job
from generation.pipelines.loop.step import Step
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, requests
from generation.states import Outcome, Status
from generation.worker.runner import Worker
from tests.generation.watched import WatchedModel
from tests.locking import OtherProgram, other_program

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]


@pytest.fixture
def other() -> Iterator[OtherProgram]:
    with other_program() as program:
        yield program


def outcomes(job: Job) -> list[str]:
    return list(job.attempts.values_list("outcome", flat=True))


def test_a_render_completes_although_the_database_is_locked_while_its_steps_are_noted(
    submit: Submit,
    device: Device,
    models: ResidentModels,
    watched: WatchedModel,
    other: OtherProgram,
    settings: Any,
) -> None:
    settings.GENGA_SNAPSHOT_SECONDS = 0
    job = submit(steps=6)
    locks: dict[int, Callable[[], None]] = {2: other.lock, 5: other.release}
    watched.between = lambda step: locks.get(step.number, lambda: None)()

    assert Worker(device, models).drain() == 1

    job.refresh_from_db()
    assert (job.status, outcomes(job)) == (Status.COMPLETED, [Outcome.COMPLETED])
    assert watched.steps == [1, 2, 3, 4, 5, 6]


def test_a_finished_picture_that_cannot_be_noted_is_rendered_again_and_never_fails(
    submit: Submit,
    device: Device,
    models: ResidentModels,
    watched: WatchedModel,
    other: OtherProgram,
    monkeypatch: pytest.MonkeyPatch,
    media: Path,
) -> None:
    """It is locked for longer than one statement waits, and free when the job is handed back."""
    job = submit()
    watched.before_decode = lambda: watched.decodes == 1 and other.lock()
    complete = lifecycle.complete

    def complete_late(*told: Any) -> bool:
        try:
            return complete(*told)
        finally:
            other.release()

    monkeypatch.setattr(lifecycle, "complete", complete_late)

    assert Worker(device, models).drain() == 2

    job.refresh_from_db()
    assert (job.status, outcomes(job)) == (
        Status.COMPLETED,
        [Outcome.HANDED_BACK, Outcome.COMPLETED],
    )
    assert job.attempts.first().error_code == "database_unusable"
    # The steps were kept: only the decoding is made again.
    assert watched.steps == [1, 2, 3, 4]
    assert len(list(media.rglob("*.png"))) == 1


def test_a_database_that_takes_nothing_of_a_result_ends_the_job_after_three_attempts(
    submit: Submit, running: Callable[[Job], Attempt]
) -> None:
    job = submit()

    for _ in range(2):
        assert lifecycle.hand_back_after_error(running(job), {}, 0)
        job.refresh_from_db()
        assert job.status == Status.QUEUED
    assert lifecycle.hand_back_after_error(running(job), {}, 0)

    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "database_unusable")
    requests.retry(job)
    assert lifecycle.hand_back_after_error(running(job), {}, 0)
    job.refresh_from_db()
    assert job.status == Status.QUEUED, "what was before a retry does not count"


def test_a_lost_worker_counts_beside_a_failed_database(
    submit: Submit, running: Callable[[Job], Attempt]
) -> None:
    job = submit()
    lifecycle.hand_back_after_error(running(job), {}, 0)
    lifecycle.give_up_lost(running(job))

    lifecycle.give_up_lost(running(job))

    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "worker_lost")


@pytest.fixture
def running(device: Device) -> Callable[[Job], Attempt]:
    def start(job: Job) -> Attempt:
        job.refresh_from_db()
        attempt = lifecycle.start(job, device)
        assert attempt is not None
        return attempt

    return start


def test_a_render_goes_on_while_the_database_does_not_answer(
    submit: Submit, device: Device, models: ResidentModels, watched: WatchedModel
) -> None:
    """Without its table of devices the database refuses the question whether to stop."""
    job = submit(steps=6)

    def rename(step: Step) -> None:
        old, new = {2: ("generation_device", "away"), 4: ("away", "generation_device")}.get(
            step.number, ("", "")
        )
        if old:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    watched.between = rename

    assert Worker(device, models).drain() == 1

    job.refresh_from_db()
    assert (job.status, outcomes(job)) == (Status.COMPLETED, [Outcome.COMPLETED])
