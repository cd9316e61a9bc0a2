"""The progress of a running attempt: its newest state, only while it owns the job."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
from django.db import connections
from PIL import Image

from generation.media import images
from generation.models import Attempt, Job, Progress
from generation.queue import lifecycle
from generation.states import Stage
from generation.worker.progress import (
    PREVIEWS_PER_SECOND,
    REPORTS_PER_SECOND,
    ProgressState,
    Reporter,
)
from tests.generation.conftest import Claim
from tests.generation.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]


@pytest.fixture
def attempt(submit: Submit, claimed: Claim) -> Attempt:
    return claimed(submit())


def row(attempt: Attempt) -> Progress:
    return Progress.objects.get(pk=attempt.job_id)


def at_step(number: int) -> ProgressState:
    return ProgressState(Stage.DENOISE, steps_complete=number, percent=float(number))


def red() -> Image.Image:
    return Image.new("RGB", (16, 16), "red")


def test_the_newest_state_is_written(attempt: Attempt) -> None:
    with Reporter(attempt) as reporter:
        reporter.note(ProgressState(Stage.DECODE, 4, 1, 80.0, 2.5, red()))
        wait_until(lambda: row(attempt).stage == Stage.DECODE, "the state is told")

    told = row(attempt)
    assert (told.steps_complete, told.frames_complete) == (4, 1)
    assert (told.percent, told.remaining_seconds) == (80.0, 2.5)
    with Image.open(io.BytesIO(told.preview)) as preview:
        assert preview.size == (128, 128)


def test_a_thousand_states_cause_few_writes_and_the_last_one_is_written(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Image.Image] = []
    pictures = [red() for _ in range(1000)]
    encode = images.preview

    def watched(picture: Image.Image) -> bytes:
        written.append(picture)
        return encode(picture)

    monkeypatch.setattr(images, "preview", watched)
    with Reporter(attempt) as reporter:
        for number, picture in enumerate(pictures):
            newest = at_step(number)
            newest.picture = picture
            reporter.note(newest)
        wait_until(lambda: row(attempt).steps_complete == 999, "the last state is told")

    assert len(written) < 20
    assert written[-1] is pictures[-1]


def test_noting_a_state_does_not_wait_for_the_encoding_of_a_picture(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = images.preview

    def slow(picture: Image.Image) -> bytes:
        time.sleep(0.5)
        return encode(picture)

    monkeypatch.setattr(images, "preview", slow)
    with Reporter(attempt) as reporter:
        started = time.perf_counter()
        for number in range(10):
            reporter.note(ProgressState(Stage.DENOISE, number, picture=red()))
        assert time.perf_counter() - started < 0.4


def test_a_preview_is_not_lost_when_the_next_state_has_none(attempt: Attempt) -> None:
    """Steps are faster than reports, and only a few steps have a picture."""
    with Reporter(attempt) as reporter:
        reporter.note(at_step(1))
        wait_until(lambda: row(attempt).steps_complete == 1, "the first step is told")
        reporter.note(ProgressState(Stage.DENOISE, 2, picture=red()))
        reporter.note(at_step(3))
        wait_until(lambda: row(attempt).steps_complete == 3, "the third step is told")

    assert row(attempt).preview is not None


def test_previews_are_due_a_few_times_a_second(attempt: Attempt) -> None:
    reporter = Reporter(attempt)

    assert reporter.preview_due()
    assert not reporter.preview_due()
    time.sleep(1 / PREVIEWS_PER_SECOND)
    assert reporter.preview_due()


def test_an_attempt_that_lost_its_job_writes_no_progress(attempt: Attempt, claimed: Claim) -> None:
    lifecycle.give_up_lost(attempt)
    second = claimed(attempt.job)

    with Reporter(attempt) as late, Reporter(second) as owner:
        late.note(ProgressState(Stage.DENOISE, 99))
        owner.note(ProgressState(Stage.DENOISE, 1))
        wait_until(lambda: row(attempt).steps_complete == 1, "the owner is told")

    assert row(attempt).steps_complete == 1


def test_a_picture_that_cannot_be_encoded_is_logged_and_the_next_state_is_written(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    empty = Image.new("RGB", (0, 0))
    with Reporter(attempt) as reporter:
        reporter.note(ProgressState(Stage.DENOISE, 1, picture=empty))
        wait_until(lambda: caplog.records, "the loss is logged")
        reporter.note(at_step(2))
        wait_until(lambda: row(attempt).steps_complete == 2, "the next state is told")

    assert f"progress of job {attempt.job_id} was not written" in caplog.text


def test_progress_is_written_again_after_the_server_of_the_database_restarted(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every use of the thread's connection fails until it is opened anew, as PostgreSQL's does."""
    encode = images.preview
    writes = []

    def restart(picture: Image.Image) -> bytes:
        """Runs in the reporter's thread, at its first two writes."""
        writes.append(picture)
        if len(writes) == 1:
            own = connections["default"]
            own.ensure_connection()
            own.is_usable = lambda: False
            own.connection.close()
        elif len(writes) == 2:
            raise OSError("a second loss in a row")
        return encode(picture)

    monkeypatch.setattr(images, "preview", restart)
    with Reporter(attempt) as reporter:
        for number in (1, 2, 3):
            reporter.note(ProgressState(Stage.DENOISE, number, picture=red()))
            wait_until(lambda number=number: len(writes) == number, "the state is taken")
        wait_until(lambda: row(attempt).steps_complete == 3, "the last state is told")

    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_the_end_of_an_attempt_does_not_wait_for_the_next_report(attempt: Attempt) -> None:
    with Reporter(attempt) as reporter:
        reporter.note(at_step(1))
        wait_until(lambda: row(attempt).steps_complete == 1, "the first step is told")
        ended = time.perf_counter()

    assert time.perf_counter() - ended < 1 / REPORTS_PER_SECOND


def test_an_attempt_without_a_report_ends_normally(attempt: Attempt) -> None:
    with Reporter(attempt):
        pass

    assert row(attempt).stage == ""
