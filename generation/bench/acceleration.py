"""What acceleration saves and what it costs, beside the same picture made in fewer steps.

Each prompt is drawn whole, with shared deep layers (DeepCache) and with a part of the steps, in
turn, by the loaded model and our own loop. Compared are the seconds of the denoising and how far
the finished picture is from the whole one, as the mean difference of its colours, 0 to 255.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from generation.bench import _site
from generation.demo.portraits import caption, random_portrait, seeded_source
from generation.pipelines.base import Pipeline
from generation.pipelines.registry import load
from generation.specs import ACCELERATION, RenderSpec

HELP = "seconds and pictures of accelerated renders, beside renders of fewer steps"
ISOLATED = True
SHARES: Final = (0.75, 0.5)


def add_arguments(parser: ArgumentParser) -> None:
    """How many pictures, and which."""
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; speedups and differences of every way, against the whole picture."""
    _, card = _site.prepare()
    model = load(card.files, torch.device("cpu"), torch.float32)
    source, steps = seeded_source(3), options["steps"]
    taken: dict[str, list[float]] = {}
    strays: dict[str, list[float]] = {}
    for number in range(options["prompts"]):
        prompt = caption(random_portrait(source))
        spec = _site.spec_of(card, prompt, steps, number)
        whole = replace(spec, width=options["size"], height=options["size"])
        pictures = {}
        for name, asked in _ways(whole).items():
            seconds, pictures[name] = _draw(model, asked)
            taken.setdefault(name, []).append(seconds)
        for name, picture in pictures.items():
            strays.setdefault(name, []).append(float(np.abs(picture - pictures["whole"]).mean()))
    ways = {
        name: {
            "speedup": round(median(taken["whole"]) / median(taken[name]), 3),
            "difference": round(mean(strays[name]), 2),
        }
        for name in taken
    }
    say(f"{options['prompts']} pictures of {options['size']} pixels in {steps} steps")
    say(f"{'':<22}{'seconds, median (middle half)':<36}{'speedup':>8}{'difference':>12}")
    for name, figures in ways.items():
        spread = _site.spread(taken[name])
        say(f"{name:<22}{spread:<36}{figures['speedup']:>8.2f}{figures['difference']:>12.2f}")
    return {
        "speedup": ways["every 2nd step whole"]["speedup"],
        "difference": ways["every 2nd step whole"]["difference"],
        "ways": ways,
        "steps": steps,
        "size": options["size"],
        "prompts": options["prompts"],
    }


def _ways(whole: RenderSpec) -> dict[str, RenderSpec]:
    names = {1: "whole", 2: "every 2nd step whole", 3: "every 3rd step whole"}
    found = {names[one]: replace(whole, acceleration=one) for one in ACCELERATION.values}
    for share in SHARES:
        steps = max(1, round(whole.steps * share))
        found[f"{steps} steps"] = replace(whole, steps=steps)
    return found


def _draw(model: Pipeline, spec: RenderSpec) -> tuple[float, NDArray[np.int16]]:
    """Seconds of the denoising, and the picture (height, width, 3)."""
    conditioning = model.encode(spec, ())
    started = time.perf_counter()
    latents = model.denoise(spec, conditioning, lambda _: None)
    seconds = time.perf_counter() - started
    (picture,) = model.decode(latents)
    return seconds, np.asarray(picture.convert("RGB"), dtype=np.int16)
