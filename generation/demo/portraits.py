"""The pictures of the demo model: labelled cartoon portraits, their captions and the words in them.

All words that the demo model knows are defined here. This module does not need skia.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Colour = tuple[int, int, int]

HAIR_COLOURS: Final[dict[str, Colour]] = {
    "black": (40, 36, 52),
    "brown": (120, 72, 44),
    "blonde": (244, 208, 96),
    "red": (204, 52, 44),
    "pink": (248, 150, 190),
    "blue": (70, 120, 220),
    "green": (80, 170, 100),
    "purple": (140, 90, 190),
    "silver": (205, 210, 222),
    "orange": (240, 140, 50),
}
EYE_COLOURS: Final[dict[str, Colour]] = {
    "blue": (60, 120, 230),
    "green": (50, 160, 90),
    "brown": (130, 80, 40),
    "red": (210, 50, 60),
    "purple": (140, 80, 200),
    "golden": (230, 180, 40),
}
HAIR_STYLES: Final = ("long", "short", "bob", "twin tails", "ponytail")
EXPRESSIONS: Final = ("smiling", "laughing", "neutral", "sad", "surprised", "winking")
# Each background's colours at the top and at the bottom.
BACKGROUNDS: Final[dict[str, tuple[Colour, Colour]]] = {
    "sky": ((150, 205, 250), (225, 242, 255)),
    "sunset": ((250, 130, 90), (255, 214, 150)),
    "night": ((24, 26, 66), (70, 66, 130)),
    "forest": ((60, 130, 80), (170, 214, 150)),
    "white": ((248, 248, 248), (248, 248, 248)),
    "pink": ((255, 190, 215), (255, 228, 238)),
}
NO_ACCESSORY: Final = "none"
ACCESSORIES: Final = (NO_ACCESSORY, "glasses", "ribbon", "hat")
PERSONS: Final = ("girl", "boy")
PLAIN_STYLE: Final = "plain"
PICTURE_STYLES: Final = (PLAIN_STYLE, "pastel", "sepia", "noir", "ink")


@dataclass(frozen=True)
class Portrait:
    """The labels of one portrait; each field holds one of the words above."""

    hair: str
    hair_style: str
    eyes: str
    expression: str
    background: str
    accessory: str = NO_ACCESSORY
    person: str = "girl"
    picture_style: str = PLAIN_STYLE


@dataclass(frozen=True)
class Pose:
    """How the figure stands: the differences between two pictures of one character.

    Lengths are in 1/128 of the picture's side, ``tilt`` in degrees clockwise; ``blink`` above 0.5
    closes the eyes, ``mouth`` scales the mouth's opening. ``talk``, from 0 to 1, opens the mouths
    that are drawn as a line.
    """

    tilt: float = 0.0
    shift: float = 0.0
    sway: float = 0.0
    blink: float = 0.0
    mouth: float = 1.0
    talk: float = 0.0


def seeded_source(seed: int) -> random.Random:
    """A repeatable random generator, not for secrets."""
    return random.Random(seed)  # noqa: S311


def random_portrait(source: random.Random, styled: float = 0.0) -> Portrait:
    """Random labels of one portrait; ``styled`` is the probability of a picture style."""
    # The accessory is the attribute learned last, so seven pictures in ten show one.
    accessory = source.choice(ACCESSORIES[1:]) if source.random() < 0.7 else NO_ACCESSORY
    style = source.choice(PICTURE_STYLES[1:]) if source.random() < styled else PLAIN_STYLE
    return Portrait(
        hair=source.choice(list(HAIR_COLOURS)),
        hair_style=source.choice(HAIR_STYLES),
        eyes=source.choice(list(EYE_COLOURS)),
        expression=source.choice(EXPRESSIONS),
        background=source.choice(list(BACKGROUNDS)),
        accessory=accessory,
        person=source.choice(PERSONS),
        picture_style=style,
    )


def random_pose(source: random.Random) -> Pose:
    """A random pose within the range that the demo model is trained on."""
    return Pose(
        tilt=source.uniform(-4.0, 4.0),
        shift=source.uniform(-3.0, 3.0),
        sway=source.uniform(-4.0, 4.0),
        blink=1.0 if source.random() < 0.03 else 0.0,
        mouth=source.uniform(0.5, 1.2),
    )


def caption_parts(portrait: Portrait) -> list[str]:
    """The caption's parts in their usual order."""
    parts = [
        f"1{portrait.person}",
        f"{portrait.hair_style} {portrait.hair} hair",
        f"{portrait.eyes} eyes",
        portrait.expression,
        f"{portrait.background} background",
    ]
    if portrait.accessory != NO_ACCESSORY:
        parts.append(portrait.accessory)
    if portrait.picture_style != PLAIN_STYLE:
        parts.append(f"{portrait.picture_style} style")
    return parts


def caption(portrait: Portrait) -> str:
    """The full caption, such as "1girl, bob red hair, blue eyes, sad, night background, hat"."""
    return ", ".join(caption_parts(portrait))


def training_caption(portrait: Portrait, source: random.Random, dropping: float) -> str:
    """A caption as people might write it: sometimes shuffled, split or with parts left out.

    ``dropping`` is the share of captions that lose parts. One in ten is empty, because
    classifier-free guidance needs predictions for an empty prompt.
    """
    if source.random() < 0.1:
        return ""
    parts = caption_parts(portrait)
    if source.random() < 0.15:
        parts[1:2] = [f"{portrait.hair} hair", portrait.hair_style]
    if source.random() < 0.4:
        source.shuffle(parts)
    if source.random() < dropping:
        parts = sorted(source.sample(parts, source.randint(1, len(parts))), key=parts.index)
    return ", ".join(parts)


def training_portraits(seed: int, styled: float = 0.18) -> Iterator[tuple[Portrait, Pose]]:
    """An endless, repeatable stream of portraits and poses."""
    source = seeded_source(seed)
    while True:
        yield random_portrait(source, styled), random_pose(source)
