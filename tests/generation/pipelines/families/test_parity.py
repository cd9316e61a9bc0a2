"""Our denoising loop gives exactly the tensors of the stock diffusers pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel

from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.model_files import ModelFiles
from generation.specs import RenderSpec

SCHEDULERS = [
    "",
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]

Stock = Callable[..., Any]


def load_stock(folder: Path) -> StableDiffusionPipeline:
    stock = StableDiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    stock.set_progress_bar_config(disable=True)
    return stock


@pytest.fixture(scope="module")
def stock_toon(toon_folder: Path) -> StableDiffusionPipeline:
    """The same folder, loaded by diffusers alone."""
    return load_stock(toon_folder)


def of_stock(stock: StableDiffusionPipeline, spec: RenderSpec, output_type: str) -> Any:
    """The result of diffusers for a spec: latents, or pictures."""
    own = stock.scheduler
    if spec.scheduler:
        stock.scheduler = getattr(diffusers, spec.scheduler).from_config(own.config)
    try:
        return stock(
            prompt=spec.prompt,
            negative_prompt=spec.negative_prompt,
            width=spec.width,
            height=spec.height,
            num_inference_steps=spec.steps,
            guidance_scale=spec.guidance,
            generator=torch.Generator().manual_seed(spec.seed),
            output_type=output_type,
        ).images
    finally:
        stock.scheduler = own


def of_ours(pipeline: StableDiffusion, spec: RenderSpec) -> torch.Tensor:
    return pipeline.denoise(spec, pipeline.encode(spec), lambda _: None)


@pytest.mark.parametrize("guidance", [1.0, 4.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
def test_every_latent_is_the_same(
    scheduler: str,
    guidance: float,
    pipeline: StableDiffusion,
    stock_toon: StableDiffusionPipeline,
    spec: RenderSpec,
) -> None:
    changed = replace(spec, scheduler=scheduler, guidance=guidance, negative_prompt="blurry")

    assert torch.equal(of_ours(pipeline, changed), of_stock(stock_toon, changed, "latent"))


@pytest.mark.parametrize(
    "change",
    [
        {"width": 192},
        {"height": 160},
        {"steps": 1},
        {"steps": 7},
        {"seed": 2**32 - 1},
        {"guidance": 0.0},
        {"guidance": 30.0},
        {"prompt": "1girl, " * 60},
        {"prompt": "図書館の少女 🎐"},
        {"negative_prompt": "blurry, " * 60},
    ],
    ids=lambda change: str(change)[:30],
)
def test_the_latents_are_the_same_for_any_settings(
    change: dict[str, Any],
    pipeline: StableDiffusion,
    stock_toon: StableDiffusionPipeline,
    spec: RenderSpec,
) -> None:
    changed = replace(spec, **change)

    assert torch.equal(of_ours(pipeline, changed), of_stock(stock_toon, changed, "latent"))


def test_the_decoded_picture_is_the_same(
    pipeline: StableDiffusion, stock_toon: StableDiffusionPipeline, spec: RenderSpec
) -> None:
    (ours,) = pipeline.decode(of_ours(pipeline, spec))

    (stock,) = of_stock(stock_toon, spec, "pil")
    assert ours.size == (128, 128)
    assert ours.tobytes() == stock.tobytes()


def test_a_second_render_starts_with_a_new_scheduler(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    assert torch.equal(of_ours(pipeline, spec), of_ours(pipeline, spec))


def test_a_distilled_model_takes_the_guidance_as_an_input(
    toon_copy: Path, toon_files: ModelFiles, spec: RenderSpec
) -> None:
    """Latent consistency models (Luo et al. 2023): one forward a step at any guidance."""
    torch.manual_seed(0)
    config = UNet2DConditionModel.load_config(toon_copy / "unet")
    UNet2DConditionModel.from_config(config, time_cond_proj_dim=32).save_pretrained(
        toon_copy / "unet"
    )
    distilled = StableDiffusion(
        replace(toon_files, folder=toon_copy), torch.device("cpu"), torch.float32
    )
    changed = replace(spec, scheduler="LCMScheduler", guidance=8.0)

    ours = of_ours(distilled, changed)

    assert torch.equal(ours, of_stock(load_stock(toon_copy), changed, "latent"))
    assert distilled.encode(changed).shape[0] == 1
    assert not torch.equal(ours, of_ours(distilled, replace(changed, guidance=2.0)))


def test_a_model_with_a_variational_autoencoder_is_decoded_the_same(
    toon_copy: Path, toon_files: ModelFiles, spec: RenderSpec
) -> None:
    """The autoencoder that Stable Diffusion has, with a scaling factor other than 1."""
    torch.manual_seed(0)
    AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[8, 8, 8, 8],
        norm_num_groups=4,
        scaling_factor=0.18215,
    ).save_pretrained(toon_copy / "vae")
    index = toon_copy / "model_index.json"
    index.write_text(index.read_text().replace("AutoencoderTiny", "AutoencoderKL"))
    (toon_copy / "preview.safetensors").unlink()
    files = replace(toon_files, folder=toon_copy)
    variational = StableDiffusion(files, torch.device("cpu"), torch.float32)

    (ours,) = variational.decode(of_ours(variational, spec))

    (stock,) = of_stock(load_stock(toon_copy), spec, "pil")
    assert ours.tobytes() == stock.tobytes()
    assert variational.preview(torch.zeros(1, 4, 16, 16)).size == (16, 16)
