"""Overlapping windows cover every frame, and the frames of long clips share noise."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.pipelines.loop import window_plan, windows


@pytest.mark.parametrize(
    ("frames", "size", "loop", "starts"),
    [
        (16, 16, False, [0]),
        (8, 16, False, [0]),
        (17, 16, False, [0, 1]),
        (24, 16, False, [0, 8]),
        (72, 16, False, [0, 11, 22, 34, 45, 56]),
        (16, 16, True, [0, 8]),
        (24, 16, True, [0, 12]),
        (36, 16, True, [0, 12, 24]),
    ],
)
def test_where_windows_start(frames: int, size: int, loop: bool, starts: list[int]) -> None:
    assert [window[0] for window in window_plan.split(frames, size, loop=loop)] == starts


@given(st.integers(2, 200), st.integers(2, 32), st.booleans())
def test_windows_cover_and_overlap(frames: int, size: int, loop: bool) -> None:
    parts = window_plan.split(frames, size, loop=loop)
    assert {frame for part in parts for frame in part} == set(range(frames))
    assert len({len(part) for part in parts}) == 1
    assert all(len(set(part)) == len(part) for part in parts)
    following = parts[1:] + parts[:1] if loop else parts[1:]
    for one, other in zip(parts, following, strict=False):
        assert set(one) & set(other) or size == 2


def test_overlaps_are_averaged_with_the_highest_weight_in_the_middle() -> None:
    parts = [[0, 1, 2], [1, 2, 3]]
    latents = torch.zeros(1, 1, 4, 1, 1)
    answers = iter([torch.ones(1, 1, 3, 1, 1), torch.full((1, 1, 3, 1, 1), 4.0)])
    seen: list[int] = []
    made = windows.predict_in(parts, latents, lambda _: next(answers), seen.append)
    assert made.flatten().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert seen == [1, 2]


def test_shared_noise_is_shuffled_and_repeatable() -> None:
    first = torch.randn(1, 4, 16, 2, 2, generator=torch.Generator().manual_seed(1))

    def extend(seed: int) -> torch.Tensor:
        return windows.shared_noise(first, 40, torch.Generator().manual_seed(seed))

    noise = extend(1)
    assert noise.shape[2] == 40
    assert torch.equal(noise[:, :, :16], first)
    assert sorted(noise[0, 0, 16:32, 0, 0].tolist()) == sorted(first[0, 0, :, 0, 0].tolist())
    assert torch.equal(noise, extend(1))
    assert not torch.equal(noise, extend(2))


def test_a_clip_of_one_window_keeps_its_noise() -> None:
    first = torch.randn(1, 4, 8, 2, 2)
    assert torch.equal(windows.shared_noise(first, 8, torch.Generator()), first)
