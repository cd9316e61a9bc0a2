"""Labels of files and lengths of clips."""

from __future__ import annotations

import pytest

from generation.models import Output
from generation.specs import FORMATS
from generation.worker.finished_files import FRAMES_KIND
from studio.presentation import outputs


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
