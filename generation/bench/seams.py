"""Visibility of the seams between the windows of a long clip.

Long clips are rendered, and the flow-warped error between neighbouring frames at the edges of
windows is compared with that of all other pairs of frames. A ratio of 1 means that the edges are
invisible. Every character is also rendered as a shorter loop, and the error between the loop's last
and first frame is compared with that of its other pairs.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from generation.bench import _clips, _site
from generation.demo.portraits import caption, random_portrait, seeded_source
from generation.pipelines.families.animate_diff.pipeline import AnimateDiff
from generation.pipelines.loop import window_plan
from generation.quality.consistency import measure
from generation.specs import RenderSpec

HELP = "frame-to-frame error at the edges of a clip's windows and at a loop's end"


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of clips, and their settings."""
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--loop-frames", type=int, default=24, help="of the loops")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1, help="of prompts and noise")


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark. `ratio` is the mean error at edges over that of all other pairs.

    `loop_ratio` is the mean error at the ends of loops over that within them.
    """
    pipeline = _clips.load()
    source = seeded_source(options["seed"])
    edges: list[float] = []
    inside: list[float] = []
    ratios: list[float] = []
    ends: list[float] = []
    within: list[float] = []
    say(f"{'clip':<6}{'at edges':>10}{'inside':>10}{'ratio':>8}{'loop':>8}")
    for number in range(options["clips"]):
        spec = _clips.spec_of(
            caption(random_portrait(source)),
            frames=options["frames"],
            steps=options["steps"],
            size=options["size"],
            seed=options["seed"] * 1000 + number,
        )
        errors = measure(_clips.render(pipeline, spec)).warp_error
        places = edge_pairs(window_plan.split(spec.frames, spec.context_frames, loop=False))
        here = [error for pair, error in enumerate(errors) if pair in places]
        there = [error for pair, error in enumerate(errors) if pair not in places]
        edges, inside = edges + here, inside + there
        ratios.append(_clips.mean(here) / _clips.mean(there))
        end, *others = loop_errors(pipeline, replace(spec, frames=options["loop_frames"]))
        ends, within = [*ends, end], within + others
        say(
            f"{number:<6}{_clips.mean(here):>10.5f}{_clips.mean(there):>10.5f}{ratios[-1]:>8.3f}"
            f"{end / _clips.mean(others):>8.3f}"
        )
    return {
        "ratio": round(_clips.mean(edges) / _clips.mean(inside), 4),
        "ratio_median": round(median(ratios), 4),
        "ratio_worst": round(_site.percentile(ratios, 1.0), 4),
        "loop_ratio": round(_clips.mean(ends) / _clips.mean(within), 4),
        "clips": options["clips"],
        "frames": options["frames"],
        "loop_frames": options["loop_frames"],
        "seed": options["seed"],
    }


def loop_errors(pipeline: AnimateDiff, spec: RenderSpec) -> list[float]:
    """Errors of a clip rendered as a loop: first at the loop's end, then between its frames."""
    frames = _clips.render(pipeline, replace(spec, loop=True))
    *others, end = measure([*frames, frames[0]]).warp_error
    return [end, *others]


def edge_pairs(parts: list[window_plan.Window]) -> set[int]:
    """Pairs of frames, by their first frame, of which some window has only one."""
    starts = {part[0] - 1 for part in parts if part[0] > 0}
    last = max(part[-1] for part in parts)
    ends = {part[-1] for part in parts if part[-1] < last}
    return starts | ends
