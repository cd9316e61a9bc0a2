"""Words for files, lengths of clips and names of downloads."""

from __future__ import annotations

import pytest

from generation.models import Output
from generation.specs import FORMATS
from generation.worker.finished_files import FRAMES_KIND
from studio.models import Take
from studio.presentation import outputs
from tests.studio.conftest import MakeTake


@pytest.mark.parametrize("kind", ["image", "video", *FORMATS.values, FRAMES_KIND])
def test_every_kind_that_is_stored_has_a_word_of_its_own(kind: str) -> None:
    assert kind in outputs.KINDS
    assert outputs.kind(Output(kind=kind)).use


def test_a_kind_that_is_unknown_here_is_called_by_itself() -> None:
    assert outputs.kind(Output(kind="prores")).word == "prores"


@pytest.mark.parametrize(
    ("frames", "fps", "said"), [(72, 12.0, "6.0 s"), (288, 24.0, "12 s"), (1, None, "")]
)
def test_a_clip_says_how_long_it_is(frames: int, fps: float | None, said: str) -> None:
    assert outputs.length(Output(frames=frames, fps=fps)) == said


@pytest.mark.django_db
def test_a_download_is_called_by_its_shot_and_take(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    assert outputs.download_name(output) == "sh010-take1.png"

    output.kind = "frames"
    output.file.name = "outputs/2026/11/of-the-storage.zip"
    assert outputs.download_name(output) == "sh010-take1-frames.zip"


@pytest.mark.django_db
def test_without_a_take_it_is_called_by_its_job(finished: MakeTake) -> None:
    output = finished().output
    assert output is not None
    Take.objects.all().delete()

    assert outputs.download_name(output) == f"{output.job_id}.png"
