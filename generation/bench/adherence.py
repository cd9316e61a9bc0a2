"""Prompt adherence of the demo model.

Random prompts are rendered with the shipped model in the usual way, and classified by the reader in
``fixtures/models/toon-reader``. Hair colour and background are named in every prompt, an accessory
in seven of ten; the result is the share of these named attributes that the reader recognises. The
reader's accuracy on new renders is printed as a baseline. Eyes, expression and hair style are
reported too, and whether no accessory was drawn when none was named.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from generation.demo.portraits import (
    NO_ACCESSORY,
    Portrait,
    caption,
    random_portrait,
    seeded_source,
)
from generation.demo.reader import ATTRIBUTES, Reader, load_reader, reader_accuracy

HELP = "attributes of the prompt read back from the demo model's pictures"

FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures" / "models"
MODEL: Final = FIXTURES / "toon"
READER: Final = FIXTURES / "toon-reader"
NAMED: Final = ("hair", "background", "accessory")
GUIDANCE: Final = 4.0
CONTROL_RENDERS: Final = 200
# Seed of the baseline's renders, so that the reader was not trained on them.
CONTROL_SEED: Final = 1_000_000


def add_arguments(parser: ArgumentParser) -> None:
    """The options of ``bench adherence``."""
    parser.add_argument("--prompts", type=int, default=200, help="prompts to draw (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of prompts and noise (default: 1)")
    parser.add_argument("--size", type=int, default=256, help="pixels a side (default: 256)")
    parser.add_argument("--steps", type=int, default=25, help="sampling steps (default: 25)")
    parser.add_argument("--batch", type=int, default=4, help="pictures at a time (default: 4)")
    parser.add_argument(
        "--guidance", type=float, default=GUIDANCE, help=f"guidance scale (default: {GUIDANCE})"
    )
    parser.add_argument("--model", type=Path, default=MODEL, help="model folder (default: shipped)")


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark. ``say`` prints the table; the returned dict has the shares."""
    source = seeded_source(options["seed"])
    portraits = [random_portrait(source) for _ in range(options["prompts"])]
    reader = load_reader(READER)
    control = reader_accuracy(
        reader, options["size"], CONTROL_RENDERS, CONTROL_SEED + options["seed"]
    )
    started = time.perf_counter()
    read = list(_read_back(portraits, reader, options))
    seconds = time.perf_counter() - started
    outcomes = _outcomes(portraits, read)
    return {
        **_table(outcomes, control, say),
        "reader_on_renders": round(sum(control[name] for name in NAMED) / len(NAMED), 4),
        "prompts": len(portraits),
        "seed": options["seed"],
        "size": options["size"],
        "steps": options["steps"],
        "guidance": options["guidance"],
        "seconds": round(seconds, 1),
    }


def render_prompts(
    prompts: Sequence[str], options: dict[str, Any]
) -> Iterator[list[NDArray[np.uint8]]]:
    """Render prompts in batches of RGB pictures (size, size, 3) with diffusers' pipeline."""
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(options["model"], torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    for start in range(0, len(prompts), options["batch"]):
        batch = list(prompts[start : start + options["batch"]])
        noise = [
            torch.Generator().manual_seed(options["seed"] * 1_000_000 + start + place)
            for place in range(len(batch))
        ]
        pictures = pipeline(
            batch,
            height=options["size"],
            width=options["size"],
            num_inference_steps=options["steps"],
            guidance_scale=options["guidance"],
            generator=noise,
        ).images
        yield [np.asarray(picture.convert("RGB")) for picture in pictures]


def _read_back(
    portraits: Sequence[Portrait], reader: Reader, options: dict[str, Any]
) -> Iterator[dict[str, str]]:
    for pictures in render_prompts([caption(portrait) for portrait in portraits], options):
        yield from reader.read(pictures)


# For each attribute the pairs (named, read). Accessories that are not named have their own key.
Outcomes = dict[str, list[tuple[str, str]]]
NO_ACCESSORY_NAMED: Final = "no accessory"


def _outcomes(portraits: Sequence[Portrait], read: Sequence[dict[str, str]]) -> Outcomes:
    outcomes: Outcomes = {name: [] for name in (*ATTRIBUTES, NO_ACCESSORY_NAMED)}
    for portrait, seen in zip(portraits, read, strict=True):
        for name in ATTRIBUTES:
            named = getattr(portrait, name)
            if name == "eyes" and portrait.expression == "laughing":
                continue  # Shut eyes show no colour.
            bare = name == "accessory" and named == NO_ACCESSORY
            outcomes[NO_ACCESSORY_NAMED if bare else name].append((named, seen[name]))
    return outcomes


def _table(
    outcomes: Outcomes, control: dict[str, float], say: Callable[[str], None]
) -> dict[str, float]:
    say(f"{'attribute':<14}{'named':>6}{'right':>7}{'share':>8}{'renders':>9}  often confused")
    shares: dict[str, float] = {}
    for name, pairs in outcomes.items():
        right = sum(named == seen for named, seen in pairs)
        shares[name.replace(" ", "_")] = share = round(right / max(len(pairs), 1), 4)
        wrong = Counter((named, seen) for named, seen in pairs if named != seen)
        confused = ", ".join(f"{a} as {b} ({n})" for (a, b), n in wrong.most_common(3))
        on_renders = f"{control[name]:.3f}" if name in control else ""
        say(f"{name:<14}{len(pairs):>6}{right:>7}{share:>8.3f}{on_renders:>9}  {confused}")
    named_pairs = [pair for name in NAMED for pair in outcomes[name]]
    all_right = sum(named == seen for named, seen in named_pairs)
    share = round(all_right / len(named_pairs), 4)
    say(f"{'named in all':<14}{len(named_pairs):>6}{all_right:>7}{share:>8.3f}")
    return {"attributes_right": share, **shares}
