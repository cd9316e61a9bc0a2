"""A studio's own upscalers: only files that can be read are offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.errors import SpecError
from generation.library.upscalers import choose_upscaler, upscaler_names
from generation.pipelines.upscale.networks import CompactPlan


@pytest.fixture
def own(settings: Any, tmp_path: Path) -> Path:
    """The folder with one whole network."""
    settings.GENGA_HOME = tmp_path
    folder = tmp_path / "upscalers"
    folder.mkdir()
    plan = CompactPlan(width=4, depth=1, shuffle=2, shrink=1.0, slope=None)
    save_file(plan.network().state_dict(), folder / "ours.safetensors")
    return folder


def test_a_whole_file_is_offered(own: Path) -> None:
    assert "ours" in upscaler_names(2)
    assert choose_upscaler(2, "ours") == "ours"


def harm(folder: Path, damage: str) -> None:
    path = folder / "ours.safetensors"
    match damage:
        case "cut short":
            path.write_bytes(path.read_bytes()[:-4])
        case "empty":
            path.write_bytes(b"")
        case "other weights":
            save_file({"weight": torch.zeros(2)}, path)
        case "half a pair":
            path.unlink()
            (folder / "ours.param").write_text("7767517\n")


@pytest.mark.parametrize("damage", ["cut short", "empty", "other weights", "half a pair"])
def test_a_file_that_cannot_be_used_is_not_offered_and_refused(damage: str, own: Path) -> None:
    harm(own, damage)

    assert "ours" not in upscaler_names(2)
    with pytest.raises(SpecError) as refusal:
        choose_upscaler(2, "ours")

    assert (refusal.value.field, refusal.value.code) == ("upscaler", "no_upscaler")
    assert "lanczos" in refusal.value.allowed


def test_a_name_without_a_file_is_refused_as_before(own: Path) -> None:
    with pytest.raises(SpecError) as refusal:
        choose_upscaler(2, "theirs")

    assert refusal.value.code == "upscaler_not_found"
