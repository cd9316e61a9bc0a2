"""The weights in fixtures are loadable and small, and the reader is accurate on renders."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, MotionAdapter, StableDiffusionPipeline, UNetMotionModel
from safetensors.torch import load_file
from torch import Tensor

from generation.bench import adherence
from generation.demo.denoiser import NOISE_SCHEDULE
from generation.demo.drawn_clips import WINDOW
from generation.demo.motion_stages import adapter_folder
from generation.demo.reader import Reader, load_reader, reader_accuracy
from generation.demo.tokenizer import build_tokenizer


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(adherence.READER)


def test_the_model_is_small_and_holds_no_path_of_the_training_machine() -> None:
    assert size_of(adherence.MODEL) < 40_000_000
    assert size_of(adherence.READER) < 2_000_000
    assert not [
        config
        for config in adherence.MODEL.rglob("*.json")
        if "_name_or_path" in config.read_text()
    ]


def test_the_model_has_the_vocabulary_and_noise_schedule_of_the_code() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(adherence.MODEL)
    assert pipeline.tokenizer.get_vocab() == build_tokenizer().get_vocab()
    scheduler = pipeline.scheduler.config
    assert {name: scheduler[name] for name in NOISE_SCHEDULE} == NOISE_SCHEDULE


@pytest.mark.parametrize("size", [128, 256])
def test_the_reader_is_accurate_on_renders(reader: Reader, size: int) -> None:
    pytest.importorskip("skia", reason="drawing needs the extra 'train'")
    accuracy = reader_accuracy(reader, size, count=150, seed=404)
    assert all(accuracy[name] >= 0.98 for name in adherence.NAMED), accuracy


def test_the_reader_refuses_pictures_that_are_too_small(reader: Reader) -> None:
    import numpy as np

    with pytest.raises(ValueError, match="128 pixels"):
        reader.read([np.zeros((64, 64, 3), np.uint8)])


def test_a_reader_of_other_words_is_refused(tmp_path: Path) -> None:
    config = json.loads((adherence.READER / "config.json").read_text())
    config["attributes"]["hair"].append("mauve")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="other words"):
        load_reader(tmp_path)


def test_the_model_draws_the_attributes_of_the_prompt() -> None:
    pytest.importorskip("skia", reason="the check's control draws renders")
    lines: list[str] = []
    options = {
        "prompts": 4,
        "seed": 3,
        "size": 128,
        "steps": 12,
        "batch": 4,
        "guidance": adherence.GUIDANCE,
        "model": adherence.MODEL,
    }
    result = adherence.run(options, lines.append)
    assert result["attributes_right"] >= 0.6
    assert result["prompts"] == 4
    assert len(lines) == 9
    json.dumps(result)


ADAPTER = adapter_folder(adherence.MODEL)


def test_the_motion_adapter_is_small_and_in_half_precision() -> None:
    assert size_of(ADAPTER) < 20_000_000
    files = {path.name for path in ADAPTER.iterdir()}
    weights = {"config.json", "diffusion_pytorch_model.safetensors"}
    assert files == {*weights, "genga.json", "README.md"}
    assert "_name_or_path" not in (ADAPTER / "config.json").read_text()
    stored = load_file(ADAPTER / "diffusion_pytorch_model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    assert all(weight.isfinite().all() for weight in stored.values())


def test_the_motion_adapter_fits_the_model_and_its_card() -> None:
    card = json.loads((ADAPTER / "genga.json").read_text())
    assert card["types"] == ["video"]
    assert card["base"] == adherence.MODEL.name
    assert card["context_frames"] == WINDOW
    adapter = MotionAdapter.from_pretrained(ADAPTER)
    assert adapter.config.motion_max_seq_length >= card["context_frames"]


@pytest.mark.parametrize("prompt", ["", "1girl"])
@torch.inference_mode()
def test_the_frames_of_a_clip_show_one_character_if_the_prompt_names_none(prompt: str) -> None:
    base = StableDiffusionPipeline.from_pretrained(adherence.MODEL, torch_dtype=torch.float32)
    adapter = MotionAdapter.from_pretrained(ADAPTER, torch_dtype=torch.float32)
    moving = UNetMotionModel.from_unet2d(base.unet, adapter)
    tokens = base.tokenizer(prompt, padding="max_length", return_tensors="pt").input_ids
    words = base.text_encoder(tokens).last_hidden_state.expand(WINDOW, -1, -1)

    def drawn(predict: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Frames (WINDOW, 4, 16, 16), each from its own noise."""
        scheduler = DDIMScheduler.from_config(base.scheduler.config)
        scheduler.set_timesteps(8)
        frames = torch.randn(WINDOW, 4, 16, 16, generator=torch.Generator().manual_seed(1))
        for timestep in scheduler.timesteps:
            frames = scheduler.step(predict(frames, timestep), timestep, frames).prev_sample
        return frames

    clip = drawn(lambda x, t: moving(x.transpose(0, 1)[None], t, words).sample[0].transpose(0, 1))
    portraits = drawn(lambda x, t: base.unet(x, t, words).sample)
    assert clip.std(dim=0).mean() < 0.5 * portraits.std(dim=0).mean()
