"""LoRAs apply to the render that names them, not to the next, and misfits are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from generation.errors import LoraUnreadable, ModelMissing
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.lora_files import lora_targets, read_lora
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


def write_one_wide(path: Path, good: Path) -> None:
    """One module has another size: diffusers applies none of them."""
    weights = load_file(good)
    name = next(name for name in weights if "down" in name)
    save_file({**weights, name: weights[name].repeat(1, 2)}, path)


def write_loha(path: Path, _: Path) -> None:
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    halves = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")
    save_file({f"{name}.{half}": torch.randn(4, 4) for half in halves}, path)


@pytest.mark.parametrize(
    "write",
    [
        write_damaged,
        write_wide,
        write_one_wide,
        write_other_layers,
        write_other_family,
        write_no_lora,
        write_loha,
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(
    write: Callable[[Path, Path], None], render: Render, one: LoraFile, folder: Path
) -> None:
    good = render(one)
    path = folder / f"{write.__name__}.safetensors"
    write(path, one.path)

    for _ in range(2):
        with pytest.raises(LoraUnreadable, match="The LoRA cannot be used") as refusal:
            render(LoraFile(write.__name__, path, 1.0))

    assert "upload another LoRA" in refusal.value.hint
    assert len(refusal.value.message) < 300
    assert str(folder) not in refusal.value.message
    assert torch.equal(render(one), good)


def test_a_lora_that_found_too_little_memory_can_be_used_when_there_is_enough(
    render: Render, one: LoraFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory ends after its layers in the UNet, before those in the text encoder."""
    changed = render(one)
    again = replace(one, name="again")

    def run_out(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with monkeypatch.context() as short:
        short.setattr(StableDiffusionPipeline, "load_lora_into_text_encoder", run_out)
        with pytest.raises(torch.OutOfMemoryError):
            render(again)

    assert torch.equal(render(again), changed)


def test_a_lora_of_which_a_part_fits_is_applied_and_the_log_says_so(
    render: Render, one: LoraFile, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "partly.safetensors"
    weights = load_file(one.path)
    fitting = [name for name in weights if "mid_block" in name]
    renamed = {name: name.replace("_blocks.", "_floors.", 1) for name in weights}
    renamed |= {name: name for name in fitting}
    save_file({renamed[name]: weight for name, weight in weights.items()}, path)
    plain = render()

    assert not torch.equal(render(LoraFile("partly", path, 1.0)), plain)

    modules = len(weights) // 2
    assert f"Fits toon only partly: {len(fitting) // 2} of {modules} modules, rank 4" in caplog.text


def kohya_of(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same LoRA in kohya's names."""
    renamed = {}
    for name, weight in weights.items():
        module, half = re.fullmatch(r"unet\.(.+)\.lora[._](A|B|down|up)\.weight", name).groups()
        flat = f"lora_unet_{module.replace('.', '_')}"
        renamed[f"{flat}.lora_{'down' if half in ('A', 'down') else 'up'}.weight"] = weight
        renamed[f"{flat}.alpha"] = torch.tensor(4.0)
    return renamed


def test_a_lora_in_kohyas_names_gives_the_same_picture(
    render: Render, one: LoraFile, folder: Path
) -> None:
    path = folder / "kohya.safetensors"
    save_file(kohya_of(load_file(one.path)), path)

    assert torch.equal(render(LoraFile("kohya", path, 1.0)), render(one))


def test_the_fit_in_the_file_is_what_diffusers_applies(
    lora_model: StableDiffusion, one: LoraFile, folder: Path, toon_files: ModelFiles
) -> None:
    """Text encoder and UNet, linear and convolution, some of them unknown to the model."""
    shapes = {part: lora_targets(toon_files)[part] for part in ("unet", "text_encoder")}
    weights = {}
    for part, modules in shapes.items():
        for name, (out, *ins) in modules.items():
            if "embedding" in name:
                continue
            flat = f"lora_{'te_text_model' if part == 'text_encoder' else part}_{name}"
            weights[f"{flat}.lora_down.weight"] = torch.randn(2, *ins)
            weights[f"{flat}.lora_up.weight"] = torch.randn(out, 2, *[1] * (len(ins) - 1))
    weights = {name.replace("ff_net", "fff_net"): weight * 1e-3 for name, weight in weights.items()}
    path = folder / "everything.safetensors"
    save_file(weights, path)
    fit = read_lora(path).fit(shapes)

    lora_model._loras.use((LoraFile("everything", path, 1.0),), "toon")

    assert 0 < fit.fits < fit.modules
    assert lora_model._loras._applied("everything") == fit.fits
