"""The shape of a render: everything of its settings that decides how long it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generation.estimating.stages import keeps_frames
from generation.specs import MediaType, RenderSpec

_DRAWN = re.compile(
    r"(?P<model>[^|]*)\|(?P<type>[^|]*)\|(?P<width>\d+)x(?P<height>\d+)\|(?P<frames>\d+)f\|"
    r"(?P<steps>\d+)s\|(?P<guided>(un)?guided)\|(?P<scheduler>[^|]*)\|(?P<loras>\d+)l"
    r"(?:\|(?P<acceleration>\d+)a)?"
)
_AFTER = re.compile(
    r"\|(?P<context>\d+)c(?P<loop>o?)(?P<keeps>k?)\|(?P<interpolate>\d+)i(?P<interpolator>[^|]*)\|"
    r"(?P<upscale>\d+)u(?P<upscaler>[^|]*)\|(?P<formats>.*)"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape as data; sizes in pixels. `steps` are those that are made, 0 when nothing is drawn.

    As a text it is what makes renders comparable, and what rows of jobs and attempts keep.
    """

    model: str
    type: str
    width: int
    height: int
    frames: int
    steps: int
    guided: bool
    scheduler: str
    loras: int
    acceleration: int = 1
    context: int = 16
    loop: bool = False
    keeps: bool = False
    interpolate: int = 1
    interpolator: str = ""
    upscale: int = 1
    upscaler: str = ""
    formats: str = ""

    @classmethod
    def of(cls, spec: RenderSpec) -> Shape:
        """The shape of a spec."""
        return cls(
            spec.model,
            spec.type,
            spec.width,
            spec.height,
            spec.frames,
            spec.denoising_steps,
            spec.guided,
            spec.scheduler,
            len(spec.loras),
            spec.acceleration,
            spec.context_frames,
            spec.loop,
            keeps_frames(spec),
            spec.interpolate,
            spec.interpolator,
            spec.upscale,
            spec.upscaler,
            "+".join(spec.formats),
        )

    @property
    def draws(self) -> bool:
        """False for a finished file that is only interpolated or upscaled."""
        return self.steps > 0

    @property
    def delivered_frames(self) -> int:
        """Frames of the finished file, as in the spec."""
        if self.interpolate == 1:
            return self.frames
        return self.frames * self.interpolate - (0 if self.loop else self.interpolate - 1)

    def __str__(self) -> str:
        guided = "guided" if self.guided else "unguided"
        drawn = (
            f"{self.model}|{self.type}|{self.width}x{self.height}|{self.frames}f|"
            f"{self.steps}s|{guided}|{self.scheduler}|{self.loras}l"
        )
        if self.acceleration > 1:
            drawn += f"|{self.acceleration}a"
        if self.type == MediaType.IMAGE and self.upscale == 1:
            return drawn
        context = f"{self.context}c{'o' if self.loop else ''}{'k' if self.keeps else ''}"
        after = f"{self.interpolate}i{self.interpolator}|{self.upscale}u{self.upscaler}"
        return f"{drawn}|{context}|{after}|{self.formats}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Shape:
    """The shape that a text tells. Raises ValueError for any other text."""
    drawn = _DRAWN.match(text)
    rest = text[drawn.end() :] if drawn else text
    after = _AFTER.fullmatch(rest) if rest else None
    if drawn is None or (rest and after is None):
        raise ValueError(f"{text!r} is not the shape of a render")
    found: dict[str, Any] = {**drawn.groupdict("1"), **(after.groupdict() if after else {})}
    numbers = (
        "width",
        "height",
        "frames",
        "steps",
        "loras",
        "acceleration",
        *(("context", "interpolate", "upscale") if after else ()),
    )
    read = {name: int(found[name]) for name in numbers}
    flags = {"loop": bool(found.get("loop")), "keeps": bool(found.get("keeps"))}
    found.update(read, **flags, guided=found["guided"] == "guided")
    return Shape(**found)
