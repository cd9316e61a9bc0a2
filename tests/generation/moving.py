"""Clips of a drawn portrait that moves gently, and other pictures for tests of clips."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from generation.demo.drawing import draw
from generation.demo.portraits import Portrait, Pose

ANNA = Portrait("pink", "twin tails", "blue", "smiling", "sunset", "ribbon")
BELA = Portrait("black", "short", "green", "sad", "forest", "glasses", person="boy")


def moving(
    portrait: Portrait = ANNA, count: int = 12, size: int = 128, strength: float = 1.0
) -> list[Image.Image]:
    """One slow sway to and fro in two seconds of 12 frames each, with a blink."""
    return [_drawn(portrait, number, size, strength) for number in range(count)]


def noise(count: int = 4, size: int = 128) -> list[Image.Image]:
    source = np.random.default_rng(5)
    return [
        Image.fromarray(source.integers(0, 256, (size, size, 3), dtype=np.uint8))
        for _ in range(count)
    ]


def brighter(picture: Image.Image, factor: float) -> Image.Image:
    return picture.point(lambda value: min(255, round(value * factor)))


def _drawn(portrait: Portrait, number: int, size: int, strength: float) -> Image.Image:
    turn = 2 * math.pi * number / 24
    pose = Pose(
        tilt=2.5 * strength * math.sin(turn),
        shift=1.5 * strength * math.sin(turn),
        sway=3.0 * strength * math.sin(turn - 1),
        blink=float(number % 24 == 9),
    )
    return Image.fromarray(np.ascontiguousarray(draw(portrait, pose, size)))
