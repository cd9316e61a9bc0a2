"""Labels of files, lengths of clips and names of downloads."""

from __future__ import annotations

import pytest

from generation.models import Output
from generation.specs import FORMATS
from generation.worker.finished_files import FRAMES_KIND
from studio.models import Take
from studio.presentation import outputs
from tests.studio.conftest import MakeTake


@pytest.mark.parametrize("kind", ["image", "video", *FORMATS.values, FRAMES_KIND])
def test_every_stored_kind_has_its_own_label(kind: str) -> None:
    assert kind in outputs.KINDS
    assert outputs.kind(Output(kind=kind)).use


def test_an_unknown_kind_is_its_own_label() -> None:
    assert outputs.kind(Output(kind="prores")).word == "prores"


@pytest.mark.parametrize(
    ("frames", "fps", "said"), [(72, 12.0, "6.0 s"), (288, 24.0, "12 s"), (1, None, "")]
)
def test_the_length_of_a_clip(frames: int, fps: float | None, said: str) -> None:
    assert outputs.length(Output(frames=frames, fps=fps)) == said


@pytest.mark.django_db
def test_a_download_is_named_by_shot_and_take(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    assert outputs.download_name(output) == "sh010-take1.png"

    output.kind = "frames"
    output.file.name = "outputs/2026/11/of-the-storage.zip"
    assert outputs.download_name(output) == "sh010-take1-frames.zip"


@pytest.mark.django_db
def test_a_download_without_a_take_is_named_by_its_job(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    Take.objects.all().delete()

    assert outputs.download_name(output) == f"{output.job_id}.png"
