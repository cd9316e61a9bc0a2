"""The clips of the demo model: how a portrait moves, frame by frame.

All motions are periodic and each starts at a random phase. So windows cut anywhere from a longer
clip look alike, and a clip whose length is a multiple of all periods loops. ``draw_clip`` needs
skia, which only training and benchmarks use.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from generation.demo.portraits import Portrait, Pose, random_portrait, seeded_source

if TYPE_CHECKING:
    from generation.demo.recolouring import Picture

# Frames that the motion adapter sees at once.
WINDOW: Final = 16
# Lengths of the motions in frames; at 8 to 12 frames a second the head takes 1.3 to 6 seconds.
PERIODS: Final = (16, 24, 32, 48)
TALKING: Final = 0.75
# Eyes blink at least once in this many frames if the clip is long enough. Blinks must be frequent
# in the training windows to be learned.
BLINK_WITHIN: Final = 24
# How far the hair's tips lag behind the head, as a fraction of a period.
HAIR_LAG: Final = 1 / 6


def clip_poses(count: int, source: random.Random, periods: Sequence[int] = PERIODS) -> list[Pose]:
    """The poses of ``count`` consecutive frames of one character.

    The head tilts and shifts slowly, the hair follows, the eyes blink for three or four frames once
    in a period, and in three clips of four the mouth talks. Each motion draws its period, in
    frames, from ``periods``; with ``periods=(count,)`` the clip loops. All poses stay within the
    range of ``random_pose``, except for the opening of a talking mouth.
    """
    head_period = source.choice(periods)
    head_phase = source.random()
    tilt_by, tilt_about = _swing(source, 2.5, 4.0)
    shift_by, shift_about = _swing(source, 1.5, 3.0)
    sway_by, sway_about = _swing(source, 2.5, 4.0)
    shift_phase = head_phase + source.uniform(-0.1, 0.1)
    often = [period for period in periods if period <= BLINK_WITHIN]
    blinks = _blinks(count, source, source.choice(often or periods))
    mouths, talks = _mouths(count, source, source.choice(periods))
    return [
        Pose(
            tilt=tilt_about + tilt_by * _wave(frame / head_period + head_phase),
            shift=shift_about + shift_by * _wave(frame / head_period + shift_phase),
            sway=sway_about + sway_by * _wave(frame / head_period + head_phase - HAIR_LAG),
            blink=blinks[frame],
            mouth=mouths[frame],
            talk=talks[frame],
        )
        for frame in range(count)
    ]


def training_clips(
    seed: int, count: int = WINDOW, styled: float = 0.1
) -> Iterator[tuple[Portrait, list[Pose]]]:
    """An endless, repeatable stream of portraits, each with the poses of ``count`` frames."""
    source = seeded_source(seed)
    while True:
        yield random_portrait(source, styled), clip_poses(count, source)


def labelled_clip(seed: int, count: int = WINDOW) -> tuple[Portrait, list[Pose]]:
    """One character without a picture style and its poses in ``count`` frames, for measuring."""
    return next(training_clips(seed, count, styled=0.0))


def draw_clip(portrait: Portrait, poses: Sequence[Pose], size: int = 128) -> list[Picture]:
    """Draw one frame per pose, each (size, size, 3), RGB, 0 to 255. Raises as ``draw`` does."""
    # Imported here because drawing needs skia, and poses don't.
    from generation.demo.drawing import draw

    return [draw(portrait, pose, size) for pose in poses]


def _swing(source: random.Random, least: float, most: float) -> tuple[float, float]:
    """A random amplitude from ``least`` to ``most`` and a centre that keeps it within ``most``."""
    far = source.uniform(least, most)
    return far, source.uniform(far - most, most - far)


def _wave(turns: float) -> float:
    return math.sin(2 * math.pi * turns)


def _blinks(count: int, source: random.Random, period: int) -> list[float]:
    """Shut eyes (1) in three or four frames of every ``period``."""
    first, length = source.randrange(period), source.choice((3, 4))
    return [1.0 if (frame - first) % period < length else 0.0 for frame in range(count)]


def _mouths(count: int, source: random.Random, period: int) -> tuple[list[float], list[float]]:
    """``Pose.mouth`` and ``Pose.talk``: syllables of four or six frames, or still throughout."""
    # A period must hold a whole number of syllables, or the clip would not loop.
    syllables = max(1, period // source.choice((4, 6)))
    phase, still = source.random(), source.uniform(0.6, 1.1)
    if source.random() >= TALKING:
        return [still] * count, [0.0] * count
    waves = [_wave(frame * syllables / period + phase) for frame in range(count)]
    return [0.8 + 0.6 * wave for wave in waves], [max(0.0, wave) for wave in waves]
