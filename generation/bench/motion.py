"""Prompt adherence and temporal consistency of clips.

Clips are rendered from random prompts. Hair, background and accessory are classified in the middle
frame, as `adherence` does for pictures. Flicker, identity drift, warp error, blinking, talking and
head motion are measured in the clips and, for comparison, in drawn clips of the same characters.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from PIL import Image

from generation.bench import _clips
from generation.demo.drawn_clips import draw_clip, labelled_clip
from generation.demo.faces import can_blink, liveliness
from generation.demo.portraits import NO_ACCESSORY, Portrait, caption
from generation.demo.reader import load_reader
from generation.demo.recolouring import Picture
from generation.quality.consistency import measure

HELP = "attributes, identity, flicker and liveliness of clips, compared with drawn clips"
NAMED: Final = ("hair", "background", "accessory")
MEASURES: Final = ("identity_drift", "flicker", "warp_error")
LIVELINESS: Final = ("blinks", "talks", "head_range")


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of clips, and their settings."""
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1, help="of prompts and noise")


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; `attributes_right` is the share of recognised named attributes."""
    pipeline = _clips.load()
    reader = load_reader(_clips.FIXTURES / "toon-reader")
    ours: dict[str, list[float]] = defaultdict(list)
    drawn: dict[str, list[float]] = defaultdict(list)
    outcomes: list[tuple[str, bool]] = []
    started = time.perf_counter()
    for number in range(options["clips"]):
        seed = options["seed"] * 1000 + number
        portrait, poses = labelled_clip(seed, options["frames"])
        spec = _clips.spec_of(
            caption(portrait),
            frames=options["frames"],
            steps=options["steps"],
            size=options["size"],
            seed=seed,
        )
        frames = _clips.render(pipeline, spec)
        read = reader.read([np.asarray(frames[len(frames) // 2])])[0]
        outcomes += _outcomes(portrait, read)
        truth = draw_clip(portrait, poses, options["size"])
        _add(ours, portrait, [np.asarray(frame) for frame in frames])
        _add(drawn, portrait, truth)
    return {
        **_report(outcomes, ours, drawn, say),
        "clips": options["clips"],
        "frames": options["frames"],
        "steps": options["steps"],
        "size": options["size"],
        "seed": options["seed"],
        "seconds": round(time.perf_counter() - started, 1),
    }


def _outcomes(portrait: Portrait, read: dict[str, str]) -> list[tuple[str, bool]]:
    named = {name: getattr(portrait, name) for name in NAMED}
    return [
        (name, read[name] == word)
        for name, word in named.items()
        if not (name == "accessory" and word == NO_ACCESSORY)
    ]


def _add(figures: dict[str, list[float]], portrait: Portrait, frames: Sequence[Picture]) -> None:
    measured = measure([Image.fromarray(frame) for frame in frames])
    for name in MEASURES:
        figures[name].append(_clips.mean(getattr(measured, name)))
    seen = liveliness(frames, portrait)
    for name in LIVELINESS:
        if name != "blinks" or can_blink(portrait):
            figures[name].append(float(getattr(seen, name)))


def _report(
    outcomes: Sequence[tuple[str, bool]],
    ours: dict[str, list[float]],
    drawn: dict[str, list[float]],
    say: Callable[[str], None],
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    say(f"{'attribute':<14}{'named':>6}{'right':>7}{'share':>8}")
    for name in (*NAMED, "all"):
        rights = [right for kind, right in outcomes if name in (kind, "all")]
        share = round(sum(rights) / max(1, len(rights)), 4)
        figures["attributes_right" if name == "all" else name] = share
        say(f"{name:<14}{len(rights):>6}{sum(rights):>7}{share:>8.3f}")
    say(f"{'mean of':<18}{'clips':>10}{'drawn':>10}")
    for name in (*MEASURES, *LIVELINESS):
        figures[name] = round(_clips.mean(ours[name]), 5)
        figures[f"{name}_drawn"] = round(_clips.mean(drawn[name]), 5)
        say(f"{name:<18}{figures[name]:>10.5f}{figures[f'{name}_drawn']:>10.5f}")
    return figures
