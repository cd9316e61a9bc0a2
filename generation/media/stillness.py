"""Detects frames that are probably a fault: black frames, and frames that do not move.

Both are correct if the prompt asks for them, so its words are checked first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.errors import OutputBroken

# A frame is black when even its brightest thousandth is below this (of 255); a few stars are
# bright enough.
BLACK_LEVEL = 24.0
BRIGHTEST = 99.9

# Motion is measured in the mean colours of patches, each a 64th of the longer side but at least
# 4 x 4 pixels. Noise hardly changes a mean; an outline that shifts by a fifth of a pixel changes it
# by several levels.
PATCHES = 64
PATCH_PIXELS = 4
STILL_LEVELS = 1.5
# Drawn animation often holds a picture for two to four frames ("on twos", "on fours").
HELD_FRAMES = 4
STILL_SECONDS = 1.0

# "black" and "dark" describe the whole picture only if the next word is not an object with that
# colour: black hair does not explain a black frame.
_PLACES = (
    "screen|background|frame|picture|scene|room|alley|street|corridor|hall|cave|tunnel|forest|"
    "sky|void|space|water|sea|ocean|lighting|atmosphere|mood"
)
_DARK = re.compile(
    rf"\b(?:black|dark)\b(?=\s*(?:[^\s\w]|$)|\s+(?:{_PLACES})\b)"
    r"|\b(?:darkness|night|nighttime|midnight|silhouettes?|fade|fades|fading|void|blackout|"
    r"unlit|eclipse|lights? (?:off|out)|outer space|abyss)\b",
    re.IGNORECASE,
)
_STILL = re.compile(
    r"\b(?:still|static|frozen|freezes?|freezing|motionless|unmoving|immobile|"
    r"photo|photograph|paused?|statues?|no (?:motion|movement))\b",
    re.IGNORECASE,
)


def check_frames(frames: Iterable[Image.Image], *, fps: float, prompt: str) -> None:
    """Raise OutputBroken for a black frame, or if a clip of more than two frames does not move.

    It does not move if more than half of the neighbours are practically the same picture, without
    held drawings, or if one picture stays for more than about a second.
    """
    black_allowed = bool(_DARK.search(prompt))
    runs = list(still_runs(_patches(frame) for frame in _lit(frames, black_allowed)))
    if not _STILL.search(prompt):
        _check_runs(runs, fps)


def is_black(picture: Image.Image) -> bool:
    """True when there is almost no light anywhere in the picture."""
    return float(np.percentile(np.asarray(picture.convert("L")), BRIGHTEST)) < BLACK_LEVEL


def still_runs(frames: Iterable[NDArray[np.float32]]) -> Iterator[int]:
    """The number of frames for which each picture stays; their sum is the clip's length.

    A frame is compared with the first of its run rather than with its predecessor, so that slow
    motion ends a run once it adds up.
    """
    first, length = None, 0
    for patches in frames:
        if first is not None and float(np.abs(patches - first).max()) < STILL_LEVELS:
            length += 1
            continue
        if length:
            yield length
        first, length = patches, 1
    if length:
        yield length


def _lit(frames: Iterable[Image.Image], black_allowed: bool) -> Iterator[Image.Image]:
    for number, frame in enumerate(frames, 1):
        if not black_allowed and is_black(frame):
            raise OutputBroken(
                f"Frame {number} is black, and the prompt has no word that explains it."
            )
        yield frame


def _patches(picture: Image.Image) -> NDArray[np.float32]:
    """Mean colours of the picture's patches, (rows, columns, 3), 0 to 255."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    scale = min(1 / PATCH_PIXELS, PATCHES / max(picture.size))
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _check_runs(runs: list[int], fps: float) -> None:
    total = sum(runs)
    if total <= 2:
        return
    longest = max(range(len(runs)), key=lambda index: runs[index])
    length = runs[longest]
    held = sum(run - 1 for run in runs if run > HELD_FRAMES or run == total)
    too_long = length > max(fps * STILL_SECONDS, HELD_FRAMES)
    if too_long or held > (total - 1) / 2:
        first = list(accumulate(runs, initial=0))[longest] + 1
        raise OutputBroken(
            f"The clip stands still from frame {first} to frame {first + length - 1} of {total}, "
            "and the prompt has no word that explains it."
        )
