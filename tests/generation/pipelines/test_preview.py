"""Cheap previews: latents to a rough picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.preview import FILE_NAME, LatentPreview, random_discs
from generation.specs import RenderSpec


@pytest.fixture(scope="module")
def discs() -> torch.Tensor:
    return random_discs()


def refuse(_: Any) -> torch.Tensor:
    raise AssertionError("a map in the folder needs no encoding")


def test_the_discs_are_the_same_on_every_call(discs: torch.Tensor) -> None:
    again = random_discs()

    assert torch.equal(discs, again)
    assert discs.shape == (6, 3, 256, 256)
    assert discs.min() >= -1
    assert discs.max() <= 1


def relative_error(picture: Image.Image, wanted: np.ndarray) -> float:
    """The error of a picture relative to the error of one flat colour."""
    flat = np.abs(wanted - wanted.mean(axis=(0, 1))).mean()
    return float(np.abs(np.asarray(picture, dtype=float) - wanted).mean() / flat)


@torch.inference_mode()
def test_a_map_fitted_on_discs_shows_discs_at_the_size_of_the_latents(
    discs: torch.Tensor, pipeline: StableDiffusion
) -> None:
    latents = torch.cat([pipeline._encode_pictures(sheet[None]) for sheet in discs])

    picture = LatentPreview.fit(latents, discs).picture(latents[:1])

    assert picture.size == (32, 32)
    shrunken = torch.nn.functional.interpolate(discs[:1], size=(32, 32), mode="area")[0]
    assert relative_error(picture, ((shrunken.permute(1, 2, 0) + 1) * 127.5).numpy()) < 1


def test_a_map_fitted_on_a_models_own_pictures_shows_another_of_them(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    latents, pixels = [], []
    for seed in range(5):
        seeded = replace(spec, seed=seed)
        latents.append(pipeline.denoise(seeded, pipeline.encode(seeded), lambda _: None))
        (picture,) = pipeline.decode(latents[-1])
        pixels.append(torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 127.5 - 1)
    fitted = LatentPreview.fit(torch.cat(latents[1:]), torch.cat(pixels[1:]))

    preview = fitted.picture(latents[0])

    shrunken = torch.nn.functional.interpolate(pixels[0], size=(16, 16), mode="area")[0]
    assert relative_error(preview, ((shrunken.permute(1, 2, 0) + 1) * 127.5).numpy()) < 0.9


def test_latents_that_equal_colours_are_shown_exactly() -> None:
    pictures = random_discs()
    latents = torch.nn.functional.interpolate(pictures, size=(32, 32), mode="area")

    picture = LatentPreview.fit(latents, pictures).picture(latents)

    wanted = ((latents[0].permute(1, 2, 0) + 1) * 127.5).numpy()
    assert np.abs(np.asarray(picture, dtype=float) - wanted).mean() < 3


def test_a_saved_map_is_loaded(tmp_path: Path) -> None:
    latents, pictures = torch.randn(2, 4, 16, 16), torch.rand(2, 3, 128, 128) * 2 - 1
    fitted = LatentPreview.fit(latents, pictures)

    fitted.save(tmp_path)
    read = LatentPreview.for_model(tmp_path, refuse, torch.empty(0))

    assert (tmp_path / FILE_NAME).is_file()
    assert torch.equal(read.weight, fitted.weight)
    assert read.picture(latents).tobytes() == fitted.picture(latents).tobytes()


def test_without_a_map_in_the_folder_one_is_fitted(tmp_path: Path) -> None:
    def shrink(pictures: torch.Tensor) -> torch.Tensor:
        assert pictures.dtype == torch.float64, "of the model's own type"
        return torch.nn.functional.interpolate(pictures, size=(32, 32), mode="area")

    fitted = LatentPreview.for_model(tmp_path, shrink, torch.empty(0, dtype=torch.float64))

    assert fitted.picture(torch.zeros(1, 3, 8, 8)).size == (8, 8)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 32), (1, 1)])
def test_a_preview_has_the_size_of_its_latents(
    height: int, width: int, pipeline: StableDiffusion
) -> None:
    assert pipeline.preview(torch.randn(1, 4, height, width)).size == (width, height)


def test_extreme_latents_still_give_a_picture(pipeline: StableDiffusion) -> None:
    for value in (1e30, -1e30, float("inf"), float("nan")):
        assert pipeline.preview(torch.full((1, 4, 8, 8), value)).size == (8, 8)


def test_previews_approach_the_picture_with_the_steps(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    clean: list[torch.Tensor] = []

    latents = pipeline.denoise(spec, pipeline.encode(spec), lambda step: clean.append(step.clean()))

    off = [float((predicted - latents).abs().mean()) for predicted in clean]
    assert off[-1] < off[0] / 2
    assert pipeline.preview(clean[0]).size == (16, 16)
