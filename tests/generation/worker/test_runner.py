"""One claimed job from start to end, rendered by the real demo model."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from generation.media.images import THUMBNAIL_PIXELS
from generation.models import Attempt, Device, Job, Output, Progress
from generation.pipelines.loop.step import Step
from generation.pipelines.resident import ResidentModels
from generation.queue import requests
from generation.states import Outcome, Priority, Stage, Status
from generation.version import VERSION
from generation.worker.runner import Worker
from tests.conftest import register_at
from tests.generation.conftest import Ran
from tests.generation.media.infotext import parsed
from tests.generation.media.png_files import read_provenance
from tests.generation.processes import wait_until
from tests.generation.watched import WatchedModel

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]

IMAGE_STAGES = [Stage.LOAD, Stage.ENCODE, Stage.DENOISE, Stage.DECODE, Stage.WRITE]


@pytest.fixture
def worker(device: Device, models: ResidentModels, watched: WatchedModel) -> Worker:
    """A worker with the model loaded."""
    return Worker(device, models)


def rendered(worker: Worker, job: Job) -> Output:
    worker.drain()
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    return job.outputs.get()


def test_a_job_becomes_a_picture_with_every_stage_timed(worker: Worker, submit: Submit) -> None:
    job = submit()

    output = rendered(worker, job)

    attempt = job.attempts.get()
    assert [timing.stage for timing in attempt.timings.all()] == IMAGE_STAGES
    assert all(timing.seconds > 0 for timing in attempt.timings.all())
    denoising = attempt.timings.get(stage=Stage.DENOISE)
    assert len(denoising.steps) == job.spec.steps
    assert sum(denoising.steps) <= denoising.seconds
    assert sum(timing.seconds for timing in attempt.timings.all()) <= attempt.run_seconds
    assert (output.width, output.height, output.media_type) == (128, 128, "image/png")
    assert Progress.objects.get(pk=job.pk).percent == 100.0


def test_the_file_is_complete_and_contains_its_provenance(worker: Worker, submit: Submit) -> None:
    job = submit()

    output = rendered(worker, job)

    content = output.file.read()
    assert len(content) == output.bytes
    provenance = read_provenance(content)
    assert provenance["spec"] == job.spec_data
    assert provenance["spec_hash"] == job.spec_hash
    assert (provenance["seed"], provenance["genga"]) == (7, VERSION)
    assert provenance["model_hash"] == job.model.weights_hash
    with Image.open(io.BytesIO(content)) as picture:
        told = parsed(picture.text["parameters"])
        assert (told["Prompt"], told["Seed"]) == (job.spec.prompt, "7")
        assert (told["Steps"], told["CFG scale"], told["Size"]) == ("4", "4", "128x128")
        assert (told["Sampler"], told["Model"]) == ("DPM++ 2M", "toon")
        assert picture.size == (128, 128)
        assert picture.getextrema() != ((0, 0), (0, 0), (0, 0))
    with Image.open(output.thumbnail) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert max(thumbnail.size) <= THUMBNAIL_PIXELS


def test_the_first_render_is_cold_and_the_second_warm(
    device: Device, models: ResidentModels, submit: Submit, toon_copy: Path
) -> None:
    first, second = submit(), submit()
    register_at(toon_copy)

    assert Worker(device, models).drain() == 2

    cold, warm = first.attempts.get(), second.attempts.get()
    assert (cold.cold, warm.cold) == (True, False)
    loads = [attempt.timings.get(stage=Stage.LOAD).seconds for attempt in (cold, warm)]
    assert loads[1] < loads[0] / 10
    assert Device.objects.get().resident == ["toon"]


def test_the_same_spec_gives_the_same_bytes_and_another_seed_does_not(
    worker: Worker, submit: Submit
) -> None:
    # Not as a batch, because its members differ from single renders by rounding.
    files = [rendered(worker, submit(seed=seed)).file.read() for seed in (7, 7, 8)]

    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_guidance_of_one_skips_the_unconditional_pass(worker: Worker, submit: Submit) -> None:
    assert rendered(worker, submit(guidance=1.0)).sha256 != rendered(worker, submit()).sha256


def test_while_it_runs_the_row_shows_step_percent_and_a_preview(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit()
    seen: list[Progress] = []

    def look(step: Step) -> None:
        """Let the last step wait until the step before it was reported."""
        if step.number == 4:
            told = Progress.objects.filter(pk=job.pk, steps_complete=3)
            wait_until(told.exists, "the third step was told")
            seen.append(told.get())

    watched.between = look
    rendered(worker, job)

    (row,) = seen
    assert (row.stage, row.percent, row.attempt_number) == (Stage.DENOISE, 60.0, 1)
    assert row.remaining_seconds is not None
    assert 0 < row.remaining_seconds < 60
    with Image.open(io.BytesIO(row.preview)) as preview:
        assert preview.format == "WEBP"
    assert Progress.objects.get(pk=job.pk).preview is None, "the picture itself is there now"


def test_a_job_of_a_known_shape_has_a_remaining_time_before_its_first_step(
    worker: Worker, submit: Submit, watched: WatchedModel, ran: Ran
) -> None:
    # An hour, so that some time is left when the test reads it.
    ran(3600.0)
    job = submit()
    seen: list[float | None] = []

    def look(step: Step) -> None:
        if step.number == 1:
            told = Progress.objects.filter(pk=job.pk).exclude(stage="")
            wait_until(told.exists, "the first state was told")
            seen.append(told.get().remaining_seconds)

    watched.between = look
    rendered(worker, job)

    assert seen[0] is not None
    assert 3500 < seen[0] <= 3600


def test_a_cancel_stops_within_one_step_and_decodes_nothing(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit(steps=20)
    watched.between = lambda step: step.number == 3 and requests.cancel(job)

    worker.drain()

    job.refresh_from_db()
    assert (job.status, watched.steps, watched.decodes) == (Status.CANCELLED, [1, 2, 3], 0)
    assert not job.outputs.exists()
    attempt = job.attempts.get()
    assert attempt.outcome == Outcome.CANCELLED
    assert len(attempt.timings.get(stage=Stage.DENOISE).steps) == 3


def test_a_cancel_during_the_decoding_stores_nothing(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit()
    watched.before_decode = lambda: requests.cancel(job)

    worker.drain()

    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert not job.outputs.exists()


def test_a_worker_that_stops_hands_its_job_back_and_takes_no_other(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job, waiting = submit(), submit(Priority.LOW)
    watched.between = lambda step: step.number == 2 and worker.stop()

    assert worker.drain() == 1
    assert worker.drain() == 0

    assert list(Job.objects.waiting()) == [job, waiting]
    assert Attempt.objects.get().outcome == Outcome.HANDED_BACK
    assert watched.decodes == 0


def test_a_job_that_was_handed_back_gives_the_same_picture(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    disturbed, undisturbed = submit(), submit(Priority.LOW)
    watched.between = lambda step: step.number == 2 and worker.stop()
    worker.drain()
    watched.watch()

    second = Worker(worker.device, worker.models)
    files = [rendered(second, job).sha256 for job in (disturbed, undisturbed)]

    assert list(disturbed.attempts.values_list("resumed_from", flat=True)) == [0, 2]
    assert watched.steps[0] == 3
    assert files[0] == files[1]


def test_a_worker_without_waiting_jobs_runs_nothing(worker: Worker) -> None:
    assert worker.drain() == 0


def test_a_device_paused_between_two_jobs_takes_no_second_job(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    submit(), submit(Priority.LOW)
    watched.between = lambda _: Device.objects.update(pause="after_job")

    assert worker.drain() == 1
