"""Training of the motion adapter with a few steps, on the shipped model."""

from pathlib import Path

import pytest
import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel

from generation.bench.adherence import MODEL
from generation.demo.latents import load_latents
from generation.demo.motion import Motion, MotionTraining, even_timesteps, new_adapter
from generation.demo.motion_stages import MotionRecipe, run_motion_stage
from generation.management.commands.train_demo_model import MOTION_STAGE_NAMES

pytest.importorskip("skia", reason="drawing needs the extra 'train'")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> MotionRecipe:
    folder = tmp_path_factory.mktemp("motion")
    recipe = MotionRecipe(
        work=folder / "work",
        base=MODEL,
        output=folder / "toon-motion",
        small_clips=2,
        large_clips=1,
        steps=2,
        batch=1,
        unseen_clips=1,
        checked_timesteps=(500,),
    )
    lines: list[str] = []
    for stage in MOTION_STAGE_NAMES:
        run_motion_stage(stage, recipe, lines.append)
    assert {line.split(":")[0] for line in lines} == set(MOTION_STAGE_NAMES)
    return recipe


def test_the_result_is_an_adapter_in_half_precision(trained: MotionRecipe) -> None:
    adapter = MotionAdapter.from_pretrained(trained.output)
    assert adapter.config.motion_max_seq_length == 32
    files = {path.name for path in trained.output.iterdir()}
    assert files == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert "_name_or_path" not in (trained.output / "config.json").read_text()
    stored = MotionAdapter.from_pretrained(trained.output, torch_dtype=torch.float16)
    untrained = new_adapter((64, 128, 192)).state_dict()
    assert any(
        not torch.equal(weight.float(), untrained[name])
        for name, weight in stored.state_dict().items()
        if ".proj_out." in name
    )


def test_clips_are_loaded_with_their_labels_and_encoded_once(trained: MotionRecipe) -> None:
    clips = load_latents(trained.work / "clips", 256)
    assert clips.latents.shape == (1, 16, 4, 32, 32)
    assert clips.latents.dtype == torch.float16
    before = {path: path.stat().st_mtime_ns for path in (trained.work / "clips").iterdir()}
    assert len(before) == 2
    run_motion_stage("clips", trained, lambda _: None)
    assert before == {path: path.stat().st_mtime_ns for path in (trained.work / "clips").iterdir()}


def test_an_untrained_adapter_changes_nothing() -> None:
    unet = UNet2DConditionModel.from_pretrained(MODEL / "unet", torch_dtype=torch.float32)
    moving = UNetMotionModel.from_unet2d(unet, new_adapter(tuple(unet.config.block_out_channels)))
    latents, states = torch.randn(1, 4, 3, 8, 8), torch.randn(3, 32, 128)
    with torch.inference_mode():
        frames = moving(latents, torch.tensor(400), states).sample
        pictures = unet(latents[0].transpose(0, 1), torch.tensor(400), states).sample
    torch.testing.assert_close(frames[0].transpose(0, 1), pictures)


def test_only_the_motion_layers_are_trained(trained: MotionRecipe) -> None:
    clip = load_latents(trained.work / "clips", 128).latents[:1].float()
    motion = Motion(MODEL, MotionTraining(steps=1, batch=1))
    names = [name for name, weight in motion.unet.named_parameters() if weight.requires_grad]
    assert names
    assert all(".motion_modules." in name for name in names)
    loss = motion.loss(clip, ["1girl"], torch.tensor([500]))
    loss.backward()
    assert not [
        name
        for name, weight in motion.unet.named_parameters()
        if weight.grad is not None and name not in names
    ]


def test_a_resumed_run_equals_an_uninterrupted_one(trained: MotionRecipe, tmp_path: Path) -> None:
    settings = MotionTraining(steps=3, batch=1, large_first=0, large_last=0, seed=5)
    clips = trained.work / "clips"
    whole = Motion(MODEL, settings)
    whole.train(clips, tmp_path / "whole.pt")
    Motion(MODEL, settings).train(clips, tmp_path / "part.pt", until=2)
    second = Motion(MODEL, settings)
    second.load_checkpoint(tmp_path / "part.pt")
    second.train(clips, tmp_path / "part.pt")
    assert second.step == whole.step == 3
    for mine, theirs in zip(second.average, whole.average, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_timesteps_are_spread_evenly_with_more_in_strong_noise() -> None:
    timesteps = even_timesteps(0, 1000, 1000)
    assert torch.equal(timesteps[500:], even_timesteps(500, 500, 1000))
    assert timesteps.min() < 5
    assert timesteps.max() <= 999
    # Half of the density is uniform, half proportional to t: the mean is 1/2 * 1/2 + 1/2 * 2/3.
    assert timesteps.float().mean() == pytest.approx(1000 * 7 / 12, rel=0.01)
    assert ((timesteps // 100).bincount(minlength=10) > 40).all()


def test_a_missing_base_model_is_an_error_of_the_stage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no model in"):
        Motion(tmp_path / "nothing", MotionTraining())
