"""The state that an attempt reports: stage, counts, percent and time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
import torch
from PIL import Image

from generation.estimating.estimator import Estimator
from generation.models import Attempt
from generation.pipelines.loop.step import Step
from generation.specs import RenderSpec
from generation.states import Stage
from generation.worker.progress import ProgressState
from generation.worker.stage_clock import StageClock
from tests.generation.conftest import Claim, Ran

pytestmark = pytest.mark.django_db


NO_MODEL: Any = None
"""Only a step with clean latents needs a model, for its preview."""


class Heard(list[ProgressState]):
    """The states that the reporter received."""


@pytest.fixture
def clip(spec: RenderSpec) -> RenderSpec:
    return replace(spec, type="video", frames=8, fps=8, steps=4, context_frames=4)


@pytest.fixture
def attempt(submit: Callable[..., Any], claimed: Claim) -> Attempt:
    return claimed(submit())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that only the test advances."""
    now = [1000.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def listen_to(stage_clock: StageClock, monkeypatch: pytest.MonkeyPatch) -> Heard:
    heard = Heard()
    monkeypatch.setattr(stage_clock.reporter, "note", heard.append)
    monkeypatch.setattr(stage_clock.reporter, "preview_due", lambda: False)
    return heard


def steps(stage_clock: StageClock, count: int, total: int, pause: Callable[[], None]) -> None:
    for number in range(1, count + 1):
        pause()
        stage_clock.step(Step(number, total, None), NO_MODEL)


def test_the_time_left_follows_from_the_pace_and_the_weights(
    attempt: Attempt,
    clip: RenderSpec,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage_clock = StageClock(attempt, clip, Estimator())
    heard = listen_to(stage_clock, monkeypatch)

    with stage_clock.stage(Stage.DENOISE):
        steps(stage_clock, 4, 4, lambda: clock(12.0))
    with stage_clock.stage(Stage.DECODE, 8):
        for number in range(1, 9):
            clock(0.5)
            stage_clock.frame(number)

    denoising = [told.remaining_seconds for told in heard if told.stage == Stage.DENOISE]
    assert denoising[:3] == [None, None, None], "two steps say nothing about the rest"
    # Four steps of three windows of four frames are 48 units in 48 s; 9.6 units come after them.
    assert denoising[3:] == [pytest.approx(21.6), pytest.approx(9.6)]
    decoding = [told.remaining_seconds for told in heard if told.stage == Stage.DECODE]
    assert decoding[0] == pytest.approx(9.6), "no jump where a stage begins"
    assert None not in decoding


def test_frames_are_counted_once_and_never_backwards(
    attempt: Attempt, clip: RenderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_clock = StageClock(attempt, replace(clip, interpolate=2), Estimator())
    heard = listen_to(stage_clock, monkeypatch)

    for stage, frames in ((Stage.DECODE, 8), (Stage.INTERPOLATE, 15), (Stage.WRITE, 15)):
        with stage_clock.stage(stage, frames):
            for number in range(1, frames + 1):
                stage_clock.frame(number)

    complete = [told.frames_complete for told in heard]
    assert complete == sorted(complete)
    assert complete[-1] == 15
    percents = [told.percent for told in heard]
    assert percents == sorted(percents)


def test_a_stage_that_is_entered_again_adds_up_its_seconds(
    attempt: Attempt,
    clip: RenderSpec,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The prompts and the first frame are encoded separately, but both as one stage."""
    stage_clock = StageClock(attempt, clip, Estimator())
    listen_to(stage_clock, monkeypatch)

    for seconds in (0.5, 0.25):
        with stage_clock.stage(Stage.ENCODE):
            clock(seconds)

    assert stage_clock.timings[Stage.ENCODE].seconds == pytest.approx(0.75)


def test_a_window_does_not_count_as_a_step(
    attempt: Attempt, clip: RenderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_clock = StageClock(attempt, clip, Estimator())
    heard = listen_to(stage_clock, monkeypatch)

    with stage_clock.stage(Stage.DENOISE):
        stage_clock.step(Step(0, 4, None, 1, 3), NO_MODEL)
        stage_clock.step(Step(1, 4, None, 3, 3), NO_MODEL)

    assert [(told.steps_complete, told.part, told.parts) for told in heard[1:]] == [
        (0, 1, 3),
        (1, 0, 3),
    ]
    assert len(stage_clock.timings[Stage.DENOISE].steps) == 1


@pytest.mark.parametrize(
    ("saved", "batch", "left"),
    [(0, 1, 4000.0), (3, 1, 1000.0), (0, 3, 12_000.0)],
    ids=["from the start", "from a snapshot", "with two others"],
)
def test_only_the_remaining_work_is_estimated(
    saved: int,
    batch: int,
    left: float,
    ran: Ran,
    attempt: Attempt,
    spec: RenderSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran(4000.0)
    attempt.job.saved_steps, attempt.batch_size = saved, batch
    stage_clock = StageClock(attempt, spec, Estimator())
    heard = listen_to(stage_clock, monkeypatch)

    with stage_clock.stage(Stage.LOAD):
        pass

    assert heard[0].remaining_seconds == pytest.approx(left, rel=0.01)
    assert attempt.estimated_seconds == pytest.approx(4000.0, rel=0.01), "of its like, whole"


def test_a_known_run_counts_down_from_the_start_and_adapts_to_its_pace(
    ran: Ran,
    attempt: Attempt,
    spec: RenderSpec,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The estimate is ten seconds per step; the run takes thirty."""
    ran(40.0)
    stage_clock = StageClock(attempt, spec, Estimator())
    heard = listen_to(stage_clock, monkeypatch)

    with stage_clock.stage(Stage.DENOISE):
        steps(stage_clock, 4, 4, lambda: clock(30.0))

    left = [told.remaining_seconds for told in heard]
    assert left[0] == pytest.approx(40.0, rel=0.01)
    assert left[1] == pytest.approx(3 * 10.0 * (30 + 20) / (10 + 20), rel=0.01)
    assert left[4] == pytest.approx(0.0, abs=0.1)


def test_the_estimate_after_a_quarter_of_the_run_is_saved_once(
    ran: Ran, attempt: Attempt, spec: RenderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(40.0)
    stage_clock = StageClock(attempt, spec, Estimator())
    listen_to(stage_clock, monkeypatch)
    kept = []

    with stage_clock.stage(Stage.DENOISE):
        for number in range(1, 5):
            attempt.begun = monotonic() - 10 * number
            stage_clock.step(Step(number, 4, None), NO_MODEL)
            kept.append(attempt.estimated_at_quarter)

    assert kept[0] is not None
    assert kept == [kept[0]] * 4


def test_a_preview_is_drawn_in_the_render_thread(
    attempt: Attempt, spec: RenderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is drawn only when a preview is due, and not after the last step."""
    drawn_by: list[threading.Thread] = []

    class Drawing:
        def preview(self, latents: torch.Tensor) -> Image.Image:
            drawn_by.append(threading.current_thread())
            return Image.new("RGB", (latents.shape[-1], latents.shape[-2]))

    stage_clock = StageClock(attempt, spec, Estimator())
    heard = listen_to(stage_clock, monkeypatch)
    model: Any = Drawing()
    due = iter([True, False, True])
    monkeypatch.setattr(stage_clock.reporter, "preview_due", lambda: next(due))

    with stage_clock.stage(Stage.DENOISE):
        for number in range(1, 5):
            stage_clock.step(Step(number, 4, lambda: torch.zeros(1, 4, 16, 8)), model)

    assert drawn_by == [threading.current_thread()] * 2
    sizes = [told.picture.size if told.picture else None for told in heard[1:]]
    assert sizes == [(8, 16), None, (8, 16), None]


def test_a_preview_that_cannot_be_drawn_is_logged_and_the_render_continues(
    attempt: Attempt,
    spec: RenderSpec,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage_clock = StageClock(attempt, spec, Estimator())
    heard = listen_to(stage_clock, monkeypatch)
    monkeypatch.setattr(stage_clock.reporter, "preview_due", lambda: True)

    with stage_clock.stage(Stage.DENOISE):
        stage_clock.step(Step(1, 4, lambda: torch.zeros(1, 4, 8, 8)), NO_MODEL)

    assert heard[-1].steps_complete == 1
    assert heard[-1].picture is None
    assert f"a preview of job {attempt.job_id} was not drawn" in caplog.text
