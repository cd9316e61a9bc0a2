"""A written clip is read back: undamaged clips pass, damage is reported with its frame."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.errors import OutputBroken
from generation.media.clips import ClipFormat
from generation.media.frames import FrameFolder
from generation.media.integrity import LEAST_PSNR, check_file, fidelity
from tests.generation.media.clip_files import check_clip, every_format, written
from tests.generation.moving import ANNA, BELA, moving, noise

PROMPT = "1girl, twin tails pink hair"


@every_format
@pytest.mark.parametrize("fps", [8, 23.976, 60])
def test_an_undamaged_clip_passes(form: ClipFormat, fps: float, tmp_path: Path) -> None:
    frames = moving(count=24)

    check_clip(written(tmp_path, form, frames, fps), frames, fps=fps, prompt=PROMPT)


def test_frames_may_be_in_a_folder(tmp_path: Path) -> None:
    folder = FrameFolder(tmp_path / "frames")
    for frame in moving():
        folder.add(frame)

    check_clip(written(tmp_path, frames=moving()), folder, fps=12, prompt=PROMPT)


@every_format
def test_even_noise_passes(form: ClipFormat, tmp_path: Path) -> None:
    """Noise is hardest for a codec: nothing in it can be predicted."""
    check_clip(written(tmp_path, form, noise()), noise(), fps=12, prompt=PROMPT)


@every_format
def test_a_truncated_clip_is_reported(form: ClipFormat, tmp_path: Path) -> None:
    path = written(tmp_path, form, moving())
    whole = path.read_bytes()

    for share in (0.05, 0.3, 0.6, 0.9):
        path.write_bytes(whole[: round(len(whole) * share)])
        with pytest.raises(OutputBroken):
            check_file(path, moving(), fps=12)
    path.write_bytes(b"")
    with pytest.raises(OutputBroken, match="cannot be read back"):
        check_file(path, moving(), fps=12)


@pytest.mark.parametrize(
    ("form", "least"),
    # GIF has no checksums and no prediction that spreads damage: undetected damage is hard to see.
    [(ClipFormat.MP4, 12), (ClipFormat.WEBM, 12), (ClipFormat.APNG, 12), (ClipFormat.GIF, 10)],
)
def test_overwritten_bytes_are_reported(form: ClipFormat, least: int, tmp_path: Path) -> None:
    frames = moving(size=192)
    path = written(tmp_path, form, frames)
    whole, source, detected = path.read_bytes(), random.Random(3), 0

    for _ in range(12):
        damaged = bytearray(whole)
        place = round(len(whole) * source.uniform(0.2, 0.9))
        damaged[place : place + 200] = source.randbytes(200)
        path.write_bytes(damaged)
        try:
            check_file(path, frames, fps=12)
        except OutputBroken:
            detected += 1

    assert detected >= least


def test_a_missing_frame_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, frames=moving(count=11))

    with pytest.raises(OutputBroken, match="ends after frame 11; 12 were rendered"):
        check_file(path, moving(), fps=12)


def test_another_rate_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, frames=moving(), fps=10)

    with pytest.raises(OutputBroken, match=r"Frame 12.* ends after 1.200 seconds instead of 1.000"):
        check_file(path, moving(), fps=12)


def test_another_size_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, frames=moving(size=128))

    with pytest.raises(OutputBroken, match=r"Frame 1 .* 128 x 128 pixels; 256 x 256 were rendered"):
        check_file(path, moving(size=256), fps=12)


def test_other_pictures_are_reported_with_their_frame(tmp_path: Path) -> None:
    mixed = moving(ANNA)
    mixed[7] = moving(BELA)[7]

    with pytest.raises(OutputBroken, match="Frame 8 of the written clip is damaged"):
        check_file(written(tmp_path, frames=mixed), moving(ANNA), fps=12)


def test_a_small_damaged_place_is_reported(tmp_path: Path) -> None:
    """16 x 16 pixels, a four hundredth of one frame: the whole frame is still above 30 dB."""
    spotted = moving(size=320)
    spotted[3].paste((0, 255, 0), (144, 144, 160, 160))

    with pytest.raises(OutputBroken, match="Frame 4 of the written clip is damaged"):
        check_file(written(tmp_path, frames=spotted), moving(size=320), fps=12)


def test_a_lost_provenance_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, frames=moving())
    path.write_bytes(path.read_bytes().replace(b'{"genga"', b'{"genge"'))

    with pytest.raises(OutputBroken, match="how it was made"):
        check_file(path, moving(), fps=12)


def test_a_frozen_clip_is_reported_even_if_its_file_is_undamaged(tmp_path: Path) -> None:
    frozen = moving(count=1) * 24

    with pytest.raises(OutputBroken, match="stands still from frame 1 to frame 24"):
        check_clip(written(tmp_path, frames=frozen), frozen, fps=12, prompt=PROMPT)
    check_clip(written(tmp_path, frames=frozen), frozen, fps=12, prompt=f"{PROMPT}, frozen in time")


def test_a_black_clip_is_reported_even_if_its_file_is_undamaged(tmp_path: Path) -> None:
    black = [Image.new("RGB", (64, 64))] * 12

    with pytest.raises(OutputBroken, match="Frame 1 is black"):
        check_clip(written(tmp_path, frames=black), black, fps=12, prompt=PROMPT)


def test_fidelity_is_in_decibels_of_the_worst_patch() -> None:
    grey = Image.new("RGB", (128, 128), (100, 100, 100))
    lighter = grey.copy()
    lighter.paste((110, 110, 110), (32, 64, 64, 96))

    assert fidelity(grey, grey) == 99.0
    assert fidelity(grey, lighter) == pytest.approx(28.13, abs=0.01), "20 log10(255 / 10)"
    assert LEAST_PSNR < 28
