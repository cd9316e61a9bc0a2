"""A clip from its spec to its files, by the real worker with the shipped motion adapter."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from PIL import Image

from generation.media.clips import read_frames, read_provenance
from generation.models import Device, Job, ModelCard, Output, Progress
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, requests
from generation.specs import RenderSpec, SourceFile, SourceUse
from generation.states import Stage, Status, Work
from generation.worker.interruptions import Interruptions
from generation.worker.resume.kept_frames import root as work_root
from generation.worker.runner import Worker
from tests.conftest import changed

pytestmark = pytest.mark.django_db(transaction=True)

SubmitClip = Callable[..., Job]


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path) -> None:
    settings.GENGA_HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def worker(device: Device, models: ResidentModels) -> Worker:
    Device.objects.update(works=list(Work))
    return Worker(device, models)


@pytest.fixture
def submit_clip(artist: User, toon: ModelCard, toon_motion: ModelCard, spec: RenderSpec) -> Any:
    def submit(**fields: Any) -> Job:
        clip = changed(
            spec,
            **{
                "type": "video",
                "model": "toon-motion",
                "frames": 6,
                "fps": 8,
                "context_frames": 4,
                "steps": 2,
                **fields,
            },
        )
        return lifecycle.submit(clip, owner=artist, model=toon_motion)

    return submit


def rendered(worker: Worker, job: Job) -> Job:
    worker.drain()
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    return job


def local(output: Output) -> Path:
    return Path(default_storage.path(output.file.name))


def probed(path: Path) -> dict[str, Any]:
    """The properties of the file as ffprobe reports them."""
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_streams",
         "-show_format", "-of", "json", str(path)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    told = json.loads(answer.stdout)
    return {**told["streams"][0], "duration": told["format"]["duration"]}


def test_a_clip_has_the_requested_frames_and_duration(worker: Worker, submit_clip: Any) -> None:
    job = rendered(worker, submit_clip())

    output = job.outputs.get()
    told = probed(local(output))
    assert (told["codec_name"], told["pix_fmt"]) == ("h264", "yuv420p")
    assert int(told["nb_read_frames"]) == 6
    assert (told["width"], told["height"]) == (128, 128)
    assert float(told["duration"]) == pytest.approx(6 / 8, abs=0.01)
    assert (output.kind, output.frames, output.fps) == ("video", 6, 8.0)
    assert read_provenance(local(output))["spec"] == job.spec_data
    assert output.consistency is not None
    assert len(output.consistency["warp_error"]) == 5
    with Image.open(output.thumbnail) as poster, Image.open(output.strip) as strip:
        assert poster.size == (128, 128)
        assert strip.size == (128 * output.strip_frames, 128)


def test_every_stage_is_timed_and_the_work_folder_is_empty_afterwards(
    worker: Worker, submit_clip: Any
) -> None:
    job = rendered(worker, submit_clip(interpolate=2, interpolator="farneback"))

    stages = [timing.stage for timing in job.attempts.get().timings.all()]
    assert stages == [
        Stage.LOAD,
        Stage.ENCODE,
        Stage.DENOISE,
        Stage.DECODE,
        Stage.INTERPOLATE,
        Stage.WRITE,
        Stage.CHECK,
    ]
    assert list(work_root().glob("*")) == []
    assert Progress.objects.get(pk=job.pk).frames_complete == 11


def test_a_final_keeps_its_frames_and_has_every_requested_format(
    worker: Worker, submit_clip: Any
) -> None:
    job = rendered(worker, submit_clip(quality="final", formats=("webm", "gif", "apng")))

    files = {output.kind: output for output in job.outputs.all()}
    assert list(files) == ["video", "webm", "gif", "apng", "frames"]
    for kind in ("webm", "gif", "apng"):
        assert len(list(read_frames(local(files[kind])))) == 6
    with zipfile.ZipFile(local(files["frames"])) as frames:
        assert len(frames.namelist()) == 6


def test_the_same_clip_has_the_same_bytes(worker: Worker, submit_clip: Any) -> None:
    first, second = submit_clip(), submit_clip()
    assert (
        rendered(worker, first).outputs.get().sha256
        == rendered(worker, second).outputs.get().sha256
    )


def test_a_finished_clip_is_interpolated_and_upscaled(worker: Worker, submit_clip: Any) -> None:
    made = rendered(worker, submit_clip()).outputs.get()

    source = SourceFile(file=made.file.name, sha256=made.sha256, use=SourceUse.ENHANCE)
    job = submit_clip(
        source=source, interpolate=2, interpolator="farneback", upscale=2, upscaler="lanczos"
    )
    larger = rendered(worker, job).outputs.get()

    assert (larger.width, larger.frames, larger.fps) == (256, 11, 16.0)
    assert int(probed(local(larger))["nb_read_frames"]) == 11
    stages = [timing.stage for timing in job.attempts.get().timings.all()]
    assert Stage.DENOISE not in stages
    assert Stage.UPSCALE in stages


def test_a_clip_begins_with_the_source_picture(
    worker: Worker, submit_clip: Any, submit: Any
) -> None:
    made = rendered(worker, submit()).outputs.get()

    source = SourceFile(file=made.file.name, sha256=made.sha256, use=SourceUse.FIRST_FRAME)
    clip = rendered(worker, submit_clip(source=source, strength=0.5)).outputs.get()

    first = next(iter(read_frames(local(clip))))
    with Image.open(made.file) as picture:
        given = picture.convert("RGB")
    difference = [abs(a - b) for a, b in zip(first.tobytes(), given.tobytes(), strict=True)]
    assert sum(difference) / len(difference) < 12


@pytest.mark.parametrize("harm", ["gone", "damaged", "no picture"])
def test_an_unreadable_source_fails_the_job_and_the_queue_continues(
    worker: Worker, submit_clip: Any, submit: Any, harm: str
) -> None:
    made = rendered(worker, submit()).outputs.get()
    sha256 = made.sha256
    if harm == "gone":
        local(made).unlink()
    else:
        local(made).write_bytes(b"not a picture")
    if harm == "no picture":
        import hashlib

        sha256 = hashlib.sha256(b"not a picture").hexdigest()
    source = SourceFile(file=made.file.name, sha256=sha256, use=SourceUse.FIRST_FRAME)
    broken, after = submit_clip(source=source), submit()

    worker.drain()

    broken.refresh_from_db()
    after.refresh_from_db()
    assert (broken.status, broken.error_code) == (Status.FAILED, "source_unreadable")
    assert "start from" in broken.error_message
    assert after.status == Status.COMPLETED
    assert list(work_root().glob("*")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, too small for the frames of a clip."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system needs more rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("full", ["GENGA_HOME", "MEDIA_ROOT"], ids=["frames", "files"])
def test_a_full_disk_fails_the_job_and_the_queue_continues(
    worker: Worker, submit_clip: Any, submit: Any, settings: Any, small_disk: Path, full: str
) -> None:
    job = submit_clip(width=256, height=256, frames=12)
    roomy = getattr(settings, full)
    setattr(settings, full, small_disk)
    worker.drain()

    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "output_unwritable")
    assert "No space left" in job.error_message
    assert "Make room" in job.error_hint
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    setattr(settings, full, roomy)
    rendered(worker, submit())


def test_cancelling_while_frames_are_written_leaves_no_file(
    worker: Worker, submit_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.worker.interruptions.BETWEEN_FRAMES_SECONDS", 0.0)
    job = submit_clip(frames=12)
    check = Interruptions.check

    def cancel_at_the_write(asked: Interruptions) -> None:
        if Progress.objects.filter(pk=job.pk, stage=Stage.WRITE).exists():
            requests.cancel(Job.objects.get(pk=job.pk))
        check(asked)

    monkeypatch.setattr(Interruptions, "check", cancel_at_the_write)
    monkeypatch.setattr("generation.worker.progress.REPORTS_PER_SECOND", 1000)
    worker.drain()

    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert not job.outputs.exists()
    assert list(Path(default_storage.location).rglob("*.mp4")) == []
    assert list(work_root().glob("*")) == []


def test_the_row_counts_windows_and_frames(
    worker: Worker, submit_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit_clip(frames=8)
    told: list[tuple[str, int, int, int]] = []
    note = "generation.worker.progress.Reporter.note"

    def remember(_: object, newest: Any) -> None:
        told.append((newest.stage, newest.part, newest.parts, newest.frames_complete))

    monkeypatch.setattr(note, remember)
    rendered(worker, job)

    denoising = [row[1:3] for row in told if row[0] == Stage.DENOISE]
    assert (1, 3) in denoising
    assert (2, 3) in denoising
    decoding = [row[1:] for row in told if row[0] == Stage.DECODE]
    assert decoding == [(number, 8, number) for number in range(9)]
    frames = [row[3] for row in told]
    assert frames == sorted(frames)
