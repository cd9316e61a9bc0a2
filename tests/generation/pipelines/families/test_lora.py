"""LoRAs apply to the render that names them, not to the next, and misfits are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.model_files import LoraFile, ModelFiles
from generation.specs import RenderSpec

Render = Callable[..., torch.Tensor]


def save_random_lora(folder: Path, toon: Path, seed: int) -> LoraFile:
    """A LoRA of random weights for the demo model's UNet, in the usual file format."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel.from_pretrained(toon / "unet")
    unet.add_adapter(
        LoraConfig(
            r=4,
            lora_alpha=4,
            init_lora_weights=False,
            target_modules=["to_q", "to_k", "to_v", "to_out.0"],
        )
    )
    StableDiffusionPipeline.save_lora_weights(
        folder, unet_lora_layers=get_peft_model_state_dict(unet), weight_name=f"{seed}.safetensors"
    )
    return LoraFile(f"lora{seed}", folder / f"{seed}.safetensors", 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loras")


@pytest.fixture(scope="module")
def one(folder: Path, toon_folder: Path) -> LoraFile:
    return save_random_lora(folder, toon_folder, 1)


@pytest.fixture(scope="module")
def two(folder: Path, toon_folder: Path) -> LoraFile:
    return save_random_lora(folder, toon_folder, 2)


@pytest.fixture(scope="module")
def lora_model(toon_files: ModelFiles) -> StableDiffusion:
    """A model for this module only: the adapters that tests load stay in it."""
    return StableDiffusion(toon_files, torch.device("cpu"), torch.float32)


@pytest.fixture
def render(lora_model: StableDiffusion, spec: RenderSpec) -> Iterator[Render]:
    def latents(*loras: LoraFile) -> torch.Tensor:
        conditioning = lora_model.encode(spec, loras)
        return lora_model.denoise(spec, conditioning, lambda _: None)

    plain = latents()
    yield latents
    assert torch.equal(latents(), plain), "whatever happened, the plain model is as it was"


def test_a_lora_changes_the_picture_only_while_it_is_used(render: Render, one: LoraFile) -> None:
    plain = render()

    changed = render(one)

    assert not torch.equal(changed, plain)
    assert torch.equal(render(), plain)
    assert torch.equal(render(one), changed)


def test_the_picture_equals_that_of_the_stock_pipeline_with_the_same_lora(
    render: Render, one: LoraFile, spec: RenderSpec, toon_folder: Path
) -> None:
    stock = StableDiffusionPipeline.from_pretrained(
        toon_folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    stock.load_lora_weights(one.path.parent, weight_name=one.path.name)

    latents = stock(
        spec.prompt,
        width=128,
        height=128,
        num_inference_steps=spec.steps,
        guidance_scale=spec.guidance,
        generator=torch.Generator().manual_seed(spec.seed),
        output_type="latent",
    ).images

    assert torch.equal(render(one), latents)


def test_half_a_lora_changes_the_picture_less(render: Render, one: LoraFile) -> None:
    plain = render()

    half, whole = render(replace(one, scale=0.5)), render(one)

    assert 0 < (half - plain).abs().mean() < (whole - plain).abs().mean()


def test_two_loras_together_differ_from_each_alone(
    render: Render, one: LoraFile, two: LoraFile
) -> None:
    both = render(one, two)

    assert not torch.equal(both, render(one))
    assert not torch.equal(both, render(two))


def test_embeddings_are_cached_separately_for_each_lora(
    lora_model: StableDiffusion, spec: RenderSpec, one: LoraFile
) -> None:
    plain = lora_model.encode(spec)

    assert lora_model.encode(spec) is plain
    assert lora_model.encode(spec, (one,)) is not plain


def test_a_missing_file_is_reported(render: Render, folder: Path) -> None:
    with pytest.raises(ModelMissing, match=r"gone\.safetensors is not there"):
        render(LoraFile("gone", folder / "gone.safetensors", 1.0))


def write_damaged(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:1000])


def write_wide(path: Path, good: Path) -> None:
    """A LoRA as if trained on a model of twice the width."""
    save_file(
        {
            name: weight.repeat(1, 2) if "lora_A" in name or "down" in name else weight
            for name, weight in load_file(good).items()
        },
        path,
    )


def write_other_layers(path: Path, good: Path) -> None:
    save_file(
        {
            name.replace("mid_block", "end_block"): weight
            for name, weight in load_file(good).items()
            if "mid_block" in name
        },
        path,
    )


def write_other_family(path: Path, _: Path) -> None:
    """A LoRA with the weight names of transformer models such as Flux."""
    save_file(
        {
            "transformer.blocks.0.attn.to_q.lora_A.weight": torch.randn(4, 128),
            "transformer.blocks.0.attn.to_q.lora_B.weight": torch.randn(128, 4),
        },
        path,
    )


def write_no_lora(path: Path, _: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


@pytest.mark.parametrize(
    "write", [write_damaged, write_wide, write_other_layers, write_other_family, write_no_lora]
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(
    write: Callable[[Path, Path], None], render: Render, one: LoraFile, folder: Path
) -> None:
    good = render(one)
    path = folder / f"{write.__name__}.safetensors"
    write(path, one.path)

    for _ in range(2):
        with pytest.raises(ModelUnreadable, match="The LoRA does not fit toon") as refusal:
            render(LoraFile(write.__name__, path, 1.0))

    assert "trained for this model's family" in refusal.value.hint
    assert torch.equal(render(one), good)
