"""Stage plans and progress in percent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.estimating.stage_plan import StagePlan
from generation.specs import EnhanceSpec, RenderSpec, SourceFile
from generation.states import Stage


@pytest.fixture
def clip(spec: RenderSpec) -> RenderSpec:
    return replace(spec, type="video", frames=24, fps=8, steps=10)


def stages(spec: RenderSpec) -> list[Stage]:
    return list(StagePlan.of(spec).weights)


def test_a_picture_has_denoising_decoding_and_writing_weights(spec: RenderSpec) -> None:
    shares = StagePlan.of(spec)

    assert stages(spec) == [Stage.DENOISE, Stage.DECODE, Stage.WRITE]
    assert shares.percent(Stage.DENOISE, 3 / 4) == pytest.approx(100 * 3 / 5)
    assert shares.percent(Stage.WRITE, 1.0) == 100.0


def test_loading_has_no_weight(spec: RenderSpec) -> None:
    assert StagePlan.of(spec).percent(Stage.LOAD, 1.0) == 0.0


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        ({}, set()),
        ({"interpolate": 2}, {Stage.INTERPOLATE}),
        ({"upscale": 4}, {Stage.UPSCALE}),
        ({"interpolate": 4, "upscale": 2}, {Stage.INTERPOLATE, Stage.UPSCALE}),
    ],
)
def test_a_clip_has_the_requested_stages(
    clip: RenderSpec, asked: dict[str, int], added: set[Stage]
) -> None:
    usual = {Stage.DENOISE, Stage.DECODE, Stage.WRITE, Stage.CHECK}

    found = stages(replace(clip, **asked))

    assert set(found) == usual | added
    assert found == [stage for stage in Stage if stage in found], "in order"


def test_an_enhancement_draws_nothing(clip: RenderSpec) -> None:
    source = SourceFile(file="a.mp4", sha256="0", use="enhance")

    found = stages(EnhanceSpec.of(clip, source=source, upscale=2))

    assert found == [Stage.UPSCALE, Stage.WRITE, Stage.CHECK]


def test_progress_never_decreases(clip: RenderSpec) -> None:
    shares = StagePlan.of(replace(clip, interpolate=2, upscale=2))

    told = [shares.percent(stage, share) for stage in shares.weights for share in (0.0, 0.5, 1.0)]

    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 100.0)


def test_overlapping_windows_weigh_more_than_their_frames(clip: RenderSpec) -> None:
    longer = StagePlan.of(clip).weights[Stage.DENOISE]
    whole = StagePlan.of(replace(clip, context_frames=24)).weights[Stage.DENOISE]

    assert (longer, whole) == (320.0, 240.0)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [({"quality": "final"}, True), ({"quality": "draft"}, False), ({"type": "image"}, False)],
)
def test_only_final_clips_keep_their_frames(
    clip: RenderSpec, asked: dict[str, str], kept: bool
) -> None:
    assert replace(clip, **asked).keeps_frames is kept
