"""Detection of blinking eyes, a talking mouth and head motion in a clip's frames.

The demo model's faces are where ``drawing`` puts them and turn by a few degrees only, so it is
enough to examine fixed boxes around the left eye and the mouth. Needs skia, as ``drawing`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.demo.drawing import LENS, LENS_ALPHA, SKIN
from generation.demo.portraits import Portrait
from generation.demo.recolouring import Picture

Box = tuple[int, int, int, int]
# Left, right, top and bottom edges, in 1/128 of the picture's side.
EYE: Final[Box] = (45, 55, 64, 80)
MOUTH_AND_CHIN: Final[Box] = (56, 72, 86, 100)
HEAD: Final[Box] = (40, 88, 30, 100)

# Largest RGB distance from the skin colour that still counts as skin.
SKIN_TOLERANCE: Final = 45.0
# In drawn frames skin fills at most 0.43 of the box of an open eye, and 0.81 of that of a shut one.
SHUT: Final = 0.6
# The skin share of the mouth's box changes by 0.02 by head motion alone, by 0.25 when talking.
TALKING: Final = 0.12
# As in quality/flow, but with a wide window, because a head moves as a whole.
FARNEBACK: Final = (0.5, 4, 31, 3, 7, 1.5, 0)


@dataclass(frozen=True)
class Liveliness:
    """The motions of one clip. ``head_range`` is how far the head moves, in 1/128 of the side."""

    blinks: bool
    talks: bool
    head_range: float


def can_blink(portrait: Portrait) -> bool:
    """Whether the left eye is ever open. A laughing portrait has shut eyes."""
    return portrait.expression != "laughing"


def liveliness(frames: Sequence[Picture], portrait: Portrait) -> Liveliness:
    """Measure the frames, each (height, width, 3), of a clip of ``portrait``."""
    skin = [_is_skin(frame, portrait) for frame in frames]
    eyes = [float(_part(frame, EYE).mean()) for frame in skin]
    mouths = [float(1 - _part(frame, MOUTH_AND_CHIN).mean()) for frame in skin]
    return Liveliness(
        blinks=min(eyes) < SHUT < max(eyes),
        talks=max(mouths) - min(mouths) > TALKING,
        head_range=_head_range(frames),
    )


def _is_skin(frame: Picture, portrait: Portrait) -> NDArray[np.bool_]:
    """Mask (height, width) of the pixels that show skin, also through tinted glasses."""
    tones = [np.array(SKIN, np.float32)]
    if portrait.accessory == "glasses":
        tint = LENS_ALPHA / 255
        tones.append(tones[0] * (1 - tint) + np.array(LENS, np.float32) * tint)
    distances = [np.linalg.norm(frame.astype(np.float32) - tone, axis=-1) for tone in tones]
    return np.asarray(np.min(distances, axis=0) < SKIN_TOLERANCE)


def _part(picture: NDArray[np.generic], box: Box) -> NDArray[np.generic]:
    scale = picture.shape[0] / 128
    left, right, top, bottom = (round(edge * scale) for edge in box)
    return picture[top:bottom, left:right]


def _head_range(frames: Sequence[Picture]) -> float:
    """Range of the head's mean horizontal shift from the first frame, by optical flow."""
    heads = (np.asarray(_part(frame, HEAD), np.uint8) for frame in frames)
    first, *others = (cv2.cvtColor(head, cv2.COLOR_RGB2GRAY) for head in heads)
    start = np.zeros((*first.shape, 2), np.float32)
    flows = (cv2.calcOpticalFlowFarneback(first, other, start, *FARNEBACK) for other in others)
    shifts = [0.0, *(float(flow[..., 0].mean()) for flow in flows)]
    return float(np.ptp(shifts)) * 128 / frames[0].shape[0]
