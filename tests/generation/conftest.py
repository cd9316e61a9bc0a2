"""What the engine's tests share: the demo model in memory, a history of attempts, a worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from generation.estimating.estimator import Estimator
from generation.media.files import StoredOutput
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle
from generation.queue.timings import Timing, Timings
from generation.states import Outcome, Stage
from tests.conftest import TOON

if TYPE_CHECKING:
    from generation.pipelines.model_files import ModelFiles
    from generation.pipelines.resident import ResidentModels
    from tests.generation.watched import WatchedModel

Claim = Callable[..., Attempt]
Ran = Callable[..., Attempt]

TIMINGS: Timings = {
    Stage.LOAD: Timing(0.5),
    Stage.DENOISE: Timing(0.2, [0.05, 0.05, 0.05, 0.05]),
    Stage.DECODE: Timing(0.1),
}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Half a second of key stretching for each test's artist is no test of the engine."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def claimed(device: Device) -> Claim:
    """Give a job to a device: `claimed(job)`."""

    def start(job: Job, on: Device | None = None) -> Attempt:
        job.refresh_from_db()
        attempt = lifecycle.start(job, on or device)
        assert attempt is not None
        return attempt

    return start


@pytest.fixture
def stored() -> StoredOutput:
    """A finished picture, as far as the table is concerned."""
    return StoredOutput(
        kind="image",
        file="outputs/one.png",
        thumbnail="outputs/one.webp",
        media_type="image/png",
        width=128,
        height=128,
        frames=1,
        fps=None,
        bytes=1234,
        sha256="a" * 64,
    )


@pytest.fixture
def ran(
    submit: Callable[..., Job], claimed: Claim, stored: StoredOutput, estimator: Estimator
) -> Ran:
    """Write a finished attempt into the history: `ran(run=3.0, load=1.0)`, in seconds.

    What is not loading or `tail` (decoding and writing) is denoising. `noted` are fields of the
    attempt, such as `batch_size`. A few milliseconds pass in the test itself and are counted too.
    """

    def finish(
        run: float,
        load: float = 0.0,
        tail: float = 0.02,
        on: Device | None = None,
        noted: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Attempt:
        attempt = claimed(submit(**changes), on)
        attempt.cold = load > 0
        for name, value in (noted or {}).items():
            setattr(attempt, name, value)
        timings = {
            Stage.LOAD: Timing(load),
            Stage.DENOISE: Timing(run - load - tail),
            Stage.DECODE: Timing(tail / 2),
            Stage.WRITE: Timing(tail / 2),
        }
        attempt.begun = monotonic() - run
        assert lifecycle.complete(attempt, [stored], timings, estimator.learn)
        assert attempt.outcome == Outcome.COMPLETED
        return attempt

    return finish


@pytest.fixture(scope="session")
def toon_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model as it is when the run begins: it may be trained anew meanwhile."""
    return Path(shutil.copytree(TOON, tmp_path_factory.mktemp("models") / "toon"))


@pytest.fixture(scope="session")
def toon_files(toon_folder: Path) -> ModelFiles:
    """The demo model's folder, and the hash that its card in these tests has."""
    from generation.pipelines.model_files import ModelFiles

    return ModelFiles("toon", "stable-diffusion", toon_folder, "0" * 64)


@pytest.fixture(scope="session")
def _toon_once(toon_files: ModelFiles) -> WatchedModel:
    import torch

    from tests.generation.watched import WatchedModel

    return WatchedModel(toon_files, torch.device("cpu"), torch.float32)


@pytest.fixture
def pipeline(_toon_once: WatchedModel) -> WatchedModel:
    """The demo model, loaded once for all tests."""
    return _toon_once.watch()


@pytest.fixture
def toon_copy(pipeline: WatchedModel, toon_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demo model to harm; it brings its preview map, so that it loads quickly."""
    folder = Path(shutil.copytree(toon_folder, tmp_path / "toon"))
    pipeline._preview.save(folder)
    return folder


@pytest.fixture
def models() -> ResidentModels:
    """A device's models, none of them loaded yet."""
    import torch

    from generation.pipelines.resident import ResidentModels

    return ResidentModels(torch.device("cpu"), torch.float32, 10**9)


@pytest.fixture
def watched(pipeline: WatchedModel, models: ResidentModels, toon_files: ModelFiles) -> WatchedModel:
    """The demo model as `models` has it loaded already, so that a test can act at a step."""
    models.get(toon_files, lambda *_: pipeline)
    return pipeline
