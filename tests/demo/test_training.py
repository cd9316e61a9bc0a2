"""The stages of the demo model's training, with a few steps, make a working model."""

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline

from generation.demo.denoiser import Denoiser, DenoiserTraining, new_text_encoder, new_unet
from generation.demo.latents import load_latents
from generation.demo.tokenizer import build_tokenizer
from generation.demo.training_stages import Recipe, reader_folder, run_stage
from generation.management.commands.train_demo_model import STAGE_NAMES

pytest.importorskip("skia", reason="drawing needs the extra 'train'")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("demo-model")
    recipe = Recipe(
        work=folder / "work",
        output=folder / "toon",
        autoencoder_steps=2,
        decoder_steps=1,
        small_latents=12,
        large_latents=4,
        denoiser_steps=3,
        denoiser_batch=4,
        reader_steps=2,
        reader_decoded=8,
    )
    lines: list[str] = []
    for stage in STAGE_NAMES:
        run_stage(stage, recipe, lines.append)
    assert {line.split(":")[0] for line in lines} == set(STAGE_NAMES)
    return recipe


def test_the_result_is_a_pipeline(trained: Recipe) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(trained.output, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("1girl, bob red hair", height=64, width=64, num_inference_steps=2).images[0]
    assert picture.size == (64, 64)
    assert pipeline.unet.config.sample_size * 8 == 256
    assert pipeline.scheduler.config.prediction_type == "v_prediction"


def test_the_result_holds_no_path_of_the_training_machine(trained: Recipe) -> None:
    for config in trained.output.rglob("*.json"):
        text = config.read_text()
        assert "_name_or_path" not in text
        assert str(trained.work) not in text
    assert not list(trained.output.parent.glob("*.partial"))
    assert (reader_folder(trained.output) / "model.safetensors").exists()


def test_latents_are_loaded_with_their_labels(trained: Recipe) -> None:
    latents = load_latents(trained.work / "latents", 256)
    assert latents.latents.shape == (4, 4, 32, 32)
    assert latents.latents.dtype == torch.float16
    assert len(latents) == 4


def test_missing_latents_are_an_error_with_size_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="128 pixels"):
        load_latents(tmp_path, 128)


def test_a_resumed_run_equals_an_uninterrupted_one(trained: Recipe, tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    settings = DenoiserTraining(steps=3, batch=4, checkpoint_every=2, seed=5)

    def fresh() -> Denoiser:
        torch.manual_seed(0)
        return Denoiser(tokenizer, new_unet(), new_text_encoder(tokenizer), settings)

    whole = fresh()
    whole.train(trained.work / "latents", tmp_path / "whole.pt")
    first = fresh()
    first.train(trained.work / "latents", tmp_path / "part.pt", until=2)
    second = fresh()
    second.load_checkpoint(tmp_path / "part.pt")
    second.train(trained.work / "latents", tmp_path / "part.pt")
    assert second.step == whole.step == 3
    for mine, theirs in zip(second.average, whole.average, strict=True):
        torch.testing.assert_close(mine, theirs)
