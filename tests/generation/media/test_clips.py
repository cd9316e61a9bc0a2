"""Written clips: their content, and that writing is reproducible."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.media.clips import (
    ClipFormat,
    describe,
    exact_rate,
    read_frames,
    read_provenance,
    write_clip,
)
from tests.generation.media.clip_files import PROVENANCE, every_format, written
from tests.generation.media.probing import needs_ffprobe, probed
from tests.generation.moving import moving

CODECS = {
    ClipFormat.MP4: ("h264", "yuv420p"),
    ClipFormat.WEBM: ("vp9", "yuv420p"),
    ClipFormat.GIF: ("gif", "bgra"),
    ClipFormat.APNG: ("apng", "rgb24"),
}


def flat(colour: tuple[int, int, int], count: int = 4) -> list[Image.Image]:
    return [Image.new("RGB", (64, 64), colour)] * count


@every_format
def test_a_clip_has_the_requested_properties(form: ClipFormat, tmp_path: Path) -> None:
    facts = describe(written(tmp_path, form))

    assert (facts.frames, facts.width, facts.height) == (12, 128, 128)
    assert facts.fps == pytest.approx(12, abs=0.01)
    assert facts.duration == pytest.approx(1.0, abs=0.005)
    assert (facts.codec, facts.pix_fmt) == CODECS[form]
    assert [path.name for path in tmp_path.iterdir()] == [f"clip{form.extension}"]


@needs_ffprobe
@every_format
def test_ffprobe_reports_the_same(form: ClipFormat, tmp_path: Path) -> None:
    path = written(tmp_path, form)

    reported, facts = probed(path), describe(path)

    assert int(reported["nb_read_frames"]) == facts.frames
    assert (reported["width"], reported["height"]) == (facts.width, facts.height)
    assert (reported["codec_name"], reported["pix_fmt"]) == (facts.codec, facts.pix_fmt)


@needs_ffprobe
@pytest.mark.parametrize(
    ("fps", "rate"),
    [(8, "8/1"), (12.5, "25/2"), (23.976, "24000/1001"), (29.97, "30000/1001"), (60, "60/1")],
)
def test_the_rate_of_an_mp4_is_exact(fps: float, rate: str, tmp_path: Path) -> None:
    path = written(tmp_path, fps=fps)

    reported, facts = probed(path), describe(path)

    assert reported["r_frame_rate"] == reported["avg_frame_rate"] == rate
    assert float(reported["duration"]) == pytest.approx(12 / Fraction(rate), abs=1e-6)
    assert facts.duration == pytest.approx(12 / Fraction(rate), abs=1e-6)
    assert facts.fps == pytest.approx(float(Fraction(rate)))


@every_format
@pytest.mark.parametrize("fps", [8, 23.976, 30])
def test_a_clip_lasts_as_long_as_its_frames(form: ClipFormat, fps: float, tmp_path: Path) -> None:
    facts = describe(written(tmp_path, form, fps=fps))

    assert facts.duration == pytest.approx(12 / fps, abs=0.0101), (
        "GIF counts hundredths of a second"
    )
    assert facts.fps == pytest.approx(fps, rel=0.02)


@pytest.mark.parametrize("form", [ClipFormat.MP4, ClipFormat.WEBM])
def test_a_single_frame_is_a_clip(form: ClipFormat, tmp_path: Path) -> None:
    facts = describe(written(tmp_path, form, moving(count=1), fps=8))

    assert (facts.frames, facts.duration) == (1, pytest.approx(1 / 8, abs=0.001))


@needs_ffprobe
def test_an_mp4_has_its_index_first_and_declares_its_colours(tmp_path: Path) -> None:
    path = written(tmp_path)
    boxes, content, place = [], path.read_bytes(), 0
    while place < len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        boxes.append(name)
        place += size

    reported = probed(path)

    assert boxes.index(b"moov") < boxes.index(b"mdat")
    assert {reported[f"color_{part}"] for part in ("space", "transfer", "primaries")} == {"bt709"}
    assert reported["color_range"] == "tv"


@pytest.mark.parametrize("form", [ClipFormat.MP4, ClipFormat.WEBM])
@pytest.mark.parametrize(
    "colour", [(250, 190, 215), (204, 52, 44), (40, 60, 220), (8, 8, 8), (255, 255, 255)]
)
def test_colours_are_preserved(
    form: ClipFormat, colour: tuple[int, int, int], tmp_path: Path
) -> None:
    for frame in read_frames(written(tmp_path, form, flat(colour))):
        difference = np.asarray(frame, dtype=int) - colour
        assert abs(difference.mean()) < 1.5
        assert abs(difference).max() <= 3


def test_an_apng_is_lossless(tmp_path: Path) -> None:
    read = list(read_frames(written(tmp_path, ClipFormat.APNG)))

    assert [frame.tobytes() for frame in read] == [frame.tobytes() for frame in moving()]


@pytest.mark.parametrize("form", [ClipFormat.GIF, ClipFormat.APNG])
def test_animations_loop_and_open_everywhere(form: ClipFormat, tmp_path: Path) -> None:
    with Image.open(written(tmp_path, form)) as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (12, (128, 128), 0)


@every_format
def test_a_clip_contains_its_provenance(form: ClipFormat, tmp_path: Path) -> None:
    long = PROVENANCE | {"prompt": "少女 " * 2000}

    assert read_provenance(written(tmp_path, form)) == PROVENANCE
    assert read_provenance(written(tmp_path, form, provenance=long)) == long


def test_clips_of_other_programs_have_no_provenance(tmp_path: Path) -> None:
    gif, png, text = tmp_path / "a.gif", tmp_path / "a.png", tmp_path / "a.txt"
    first, *rest = moving(count=3)
    first.save(gif, save_all=True, append_images=rest, comment=b"not ours")
    first.save(png, save_all=True, append_images=rest)
    text.write_text("no clip at all")

    for path in (gif, png, text):
        with pytest.raises(KeyError):
            read_provenance(path)


@every_format
def test_the_same_frames_give_the_same_bytes(form: ClipFormat, tmp_path: Path) -> None:
    first = written(tmp_path, form).read_bytes()
    turned = dict(reversed(PROVENANCE.items()))

    assert written(tmp_path, form, provenance=turned).read_bytes() == first


@every_format
def test_every_frame_is_reported(form: ClipFormat, tmp_path: Path) -> None:
    reported: list[int] = []

    write_clip(
        iter(moving(count=5)),
        tmp_path / "clip",
        fps=8,
        clip_format=form,
        provenance={},
        on_frame=reported.append,
    )

    assert reported == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24, Fraction(24)),
        (24.0, Fraction(24)),
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_rates_are_the_fractions_behind_rounded_numbers(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate


def test_each_format_has_the_properties_that_pages_need() -> None:
    assert [(form.media_type, form.extension, form.kind) for form in ClipFormat] == [
        ("video/mp4", ".mp4", "video"),
        ("video/webm", ".webm", "video"),
        ("image/gif", ".gif", "animation"),
        ("image/apng", ".png", "animation"),
    ]
