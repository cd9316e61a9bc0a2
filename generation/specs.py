"""RenderSpec and EnhanceSpec: everything that determines a finished file, and nothing else.

Two specs with the same content hash make the same file on the same kind of device. The owner,
priority and project belong to the job, not to the spec. Each setting is declared once; see
`generation.field`.
"""

import hashlib
import json
import random
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self

from generation.field import CLIPS, Choice, Field, Flag, MediaType, Named, Number, Text, setting
from generation.field import fields_of as fields_of
from generation.states import Work

MAX_STEPS = 150
MAX_GUIDANCE = 30
MAX_SEED = 2**32 - 1
MAX_FPS = 60
MAX_DELIVERED_FPS = 100
MAX_DELIVERED_PIXELS = 8192
SIZE_MULTIPLE = 8
MAX_BATCHED_PIXELS = 512 * 512
"""Larger pictures are not batched."""


class Quality(StrEnum):
    """The three qualities, from a quick draft to the picture that is delivered."""

    DRAFT = "draft"
    STANDARD = "standard"
    FINAL = "final"

    @property
    def label(self) -> str:
        """The word on pages."""
        return self.value.capitalize()

    @classmethod
    def from_word(cls, word: str) -> "Quality":
        """The quality that a word names; low, medium and high are synonyms. Raises KeyError."""
        return cls(QUALITY_SYNONYMS.get(word) or {one.value: one.value for one in cls}[word])


QUALITY_SYNONYMS = {"low": "draft", "medium": "standard", "high": "final"}
SIDE = Number(8, MAX_DELIVERED_PIXELS, whole=True, step=SIZE_MULTIPLE)
ACCELERATION = Choice({1: "None", 2: "Every second step whole", 3: "Every third step whole"})
FORMATS = Choice({"webm": "WebM", "gif": "GIF", "apng": "APNG"}, several=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """Extra low-rank weights. `file` is its name in the media storage, `sha256` its hash."""

    file: str
    sha256: str
    scale: float = 1.0


class SourceUse(StrEnum):
    """What a job does with its source file."""

    FIRST_FRAME = "first_frame"
    ENHANCE = "enhance"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """The finished file that a job starts from: its name in the media storage and its hash."""

    file: str
    sha256: str
    use: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """A complete render: no default is looked up later. Sizes are in pixels.

    `width`, `height`, `frames` and `fps` describe what the model draws (or what the source is).
    The properties that begin with `delivered_` describe the file after interpolation and upscaling.
    """

    kind: ClassVar[str] = "render"
    draws: ClassVar[bool] = True
    """True when a model is loaded and draws something."""

    type: str = setting(
        Choice({"image": "Picture", "video": "Clip"}),
        label="Type",
        meaning="what is made",
        required=True,
        shape="type",
    )
    model: str = setting(
        Named("an active model"),
        label="Model",
        meaning="slug of a model",
        unnamed="the preferred one",
        shape="model",
    )
    prompt: str = setting(Text(shortest=1), label="Prompt", meaning="what it shows", required=True)
    negative_prompt: str = setting(
        Text(),
        value="",
        label="Negative prompt",
        meaning="what it should not show",
        unnamed="empty",
        default="",
    )
    quality: str = setting(
        Choice({one.value: one.label for one in Quality}, QUALITY_SYNONYMS),
        label="Quality",
        meaning="how many steps",
        unnamed="`standard`",
        default=Quality.STANDARD,
        shape="keeps_frames",
    )
    width: int = setting(
        SIDE, label="Width", meaning="width in pixels", unnamed="the model's", shape="width"
    )
    height: int = setting(
        SIDE, label="Height", meaning="height in pixels", unnamed="the model's", shape="height"
    )
    steps: int = setting(
        Number(1, MAX_STEPS, whole=True),
        label="Steps",
        meaning="denoising steps",
        unnamed="from quality",
        shape="denoising_steps",
    )
    guidance: float = setting(
        Number(0, MAX_GUIDANCE),
        label="Guidance",
        meaning="how closely the prompt is followed",
        unnamed="the style's, else the model's",
        shape="guided",
    )
    seed: int = setting(
        Number(0, MAX_SEED, whole=True),
        label="Seed",
        meaning="where the randomness starts",
        unnamed="drawn, and told in the answer",
    )
    scheduler: str = setting(value="", asked=False, shape="scheduler")
    acceleration: int = setting(
        ACCELERATION,
        value=1,
        label="Acceleration",
        meaning="the denoiser's deep layers are computed in one of so many steps: quicker, and "
        "not quite the same picture",
        unnamed="1, or what `finish_within` chooses",
        shape="acceleration",
        usual=1,
    )
    frames: int = setting(
        Number(1, 10_000, whole=True),
        value=1,
        label="or frames",
        meaning="length of a video in frames; an image has 1",
        unnamed="the model's",
        media=CLIPS,
        shape="frames",
    )
    fps: float = setting(
        Number(1, MAX_FPS),
        value=0.0,
        label="Frames a second",
        meaning="frames a second of a video",
        unnamed="the model's",
        media=CLIPS,
    )
    context_frames: int = setting(value=16, asked=False, shape="context_frames", usual=16)
    loop: bool = setting(
        Flag(),
        value=False,
        label="The end leads back to the beginning",
        meaning="the end of a video leads back to its beginning",
        unnamed="`false`",
        default=False,
        media=CLIPS,
        shape="loop",
        usual=False,
    )
    source: SourceFile | None = setting(
        Named("an image output you may see", by_id=True),
        value=None,
        meaning="`id` of an image output that a video begins with",
        unnamed="none",
        media=CLIPS,
        usual=None,
    )
    strength: float = setting(
        Number(0.05, 1),
        value=1.0,
        label="Strength",
        meaning="how much of a video with a `source` is drawn anew",
        unnamed="0.8",
        media=CLIPS,
        usual=1.0,
    )
    interpolate: int = setting(
        Choice({1: "As drawn", 2: "2 times the frames", 4: "4 times the frames"}),
        value=1,
        label="Smoother",
        meaning="in-betweens: that many times the frames and frames a second",
        unnamed="1",
        default=1,
        media=CLIPS,
        shape="interpolate",
        usual=1,
    )
    interpolator: str = setting(value="", asked=False, shape="interpolator", usual="")
    upscale: int = setting(
        Choice({1: "As drawn", 2: "2 times the size", 4: "4 times the size"}),
        value=1,
        label="Larger",
        meaning="that many times the width and height",
        unnamed="1",
        default=1,
        shape="upscale",
        usual=1,
    )
    upscaler: str = setting(
        Named("an upscaler"),
        value="",
        label="Enlarged by",
        meaning="what enlarges",
        unnamed="the best there is",
        shape="upscaler",
        usual="",
    )
    formats: tuple[str, ...] = setting(
        FORMATS,
        value=(),
        label="Also as",
        meaning="what a video is written as beside its MP4",
        unnamed="none",
        default=(),
        media=CLIPS,
        shape="formats",
        usual=(),
    )
    loras: tuple[Lora, ...] = setting(value=(), asked=False, shape="lora_count")

    @property
    def guided(self) -> bool:
        """True when every step costs two forwards (classifier-free guidance)."""
        return self.guidance > 1.0

    @property
    def lora_count(self) -> int:
        """The number of LoRAs."""
        return len(self.loras)

    @property
    def keeps_frames(self) -> bool:
        """True for clips whose frames are kept losslessly for a review: final quality only."""
        return self.type == MediaType.VIDEO and self.quality == Quality.FINAL

    @property
    def work(self) -> Work:
        """The kind of work that this mainly is; devices accept jobs by it."""
        if self.type == MediaType.VIDEO:
            return Work.VIDEO
        return Work.PREVIEW if self.quality == Quality.DRAFT else Work.IMAGE

    @property
    def longest_side(self) -> int:
        """The longest side of what the model draws, in pixels; 0 when nothing is drawn."""
        return max(self.width, self.height)

    @property
    def batch_key(self) -> str:
        """Equal for pictures that may be denoised together; empty for renders that run alone.

        Pictures of one batch differ only in texts, seed and the quality's name. Large pictures fill
        a device alone. Accelerated ones run alone because a cache of deep layers belongs to one
        picture.
        """
        if self.acceleration > 1 or self.type != MediaType.IMAGE or self.source or self.upscale > 1:
            return ""
        if self.width * self.height > MAX_BATCHED_PIXELS:
            return ""
        alike = {**self.as_json(), "guided": self.guided}
        for name in ("prompt", "negative_prompt", "seed", "quality"):
            alike.pop(name)
        return _sha256(alike)

    @property
    def denoising_steps(self) -> int:
        """The number of steps that are made: a source replaces the first ones.

        As in diffusers' image to image, these are the last `strength` of `steps`.
        """
        return max(1, min(self.steps, int(self.steps * self.strength)))

    @property
    def parts(self) -> int:
        """The unit of this job's progress and snapshots: denoising steps."""
        return self.denoising_steps

    @property
    def delivered_frames(self) -> int:
        """Frames of the finished file, with in-betweens between the frames and at a loop's end."""
        if self.interpolate == 1:
            return self.frames
        return self.frames * self.interpolate - (0 if self.loop else self.interpolate - 1)

    @property
    def delivered_fps(self) -> float:
        """Frames a second of the finished file; interpolation keeps the speed of the motion."""
        return self.fps * self.interpolate

    @property
    def delivered_size(self) -> tuple[int, int]:
        """Width and height of the finished file in pixels."""
        return self.width * self.upscale, self.height * self.upscale

    def as_json(self) -> dict[str, Any]:
        """A JSON-compatible dictionary, from which `from_json` makes an equal spec."""
        # 4 and 4.0 are the same guidance and must have the same JSON and hash.
        loras = [{**asdict(lora), "scale": float(lora.scale)} for lora in self.loras]
        fps = int(self.fps) if self.fps == int(self.fps) else self.fps
        written = {**asdict(self), "guidance": float(self.guidance), "fps": fps, "loras": loras}
        for name, field in FIELDS.items():
            if getattr(self, name) == field.usual:
                del written[name]
        if "formats" in written:
            written["formats"] = list(self.formats)
        return written

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The spec from the output of `as_json`. Raises TypeError for unknown or missing fields."""
        source = data.get("source")
        return cls(
            **{
                **data,
                "source": SourceFile(**source) if source else None,
                "formats": tuple(data.get("formats", ())),
                "loras": tuple(Lora(**lora) for lora in data.get("loras", ())),
            }
        )

    def content_hash(self) -> str:
        """SHA-256 in hex over the sorted JSON: equal specs have equal hashes in any process."""
        return _sha256(self.as_json())


@dataclass(frozen=True, kw_only=True, slots=True)
class EnhanceSpec(RenderSpec):
    """A finished file that is interpolated, upscaled or converted; nothing is drawn.

    The settings that the file was drawn with stay in the spec, to be shown with the result.
    """

    kind: ClassVar[str] = "enhance"
    draws: ClassVar[bool] = False

    @classmethod
    def of(cls, drawn: RenderSpec, **changes: Any) -> "EnhanceSpec":
        """The settings of a drawn file with `changes` for the enhancement."""
        kept = {one.name: getattr(drawn, one.name) for one in fields(drawn)}
        cleared = {"steps": 0, "guidance": 0.0, "acceleration": 1, "strength": 1.0, "loras": ()}
        return cls(**{**kept, **cleared, **changes})

    @property
    def work(self) -> Work:
        """See RenderSpec."""
        if self.interpolate > 1:
            return Work.INTERPOLATE
        return Work.UPSCALE if self.upscale > 1 else Work.VIDEO

    @property
    def longest_side(self) -> int:
        """See RenderSpec."""
        return 0

    @property
    def batch_key(self) -> str:
        """See RenderSpec: an enhancement is never batched."""
        return ""

    @property
    def denoising_steps(self) -> int:
        """See RenderSpec."""
        return 0

    @property
    def parts(self) -> int:
        """The unit of this job's progress and kept frames: frames."""
        return self.delivered_frames


FIELDS: dict[str, Field] = fields_of(RenderSpec)
"""Every setting of a render, in the order of its declaration."""


def _sha256(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def draw_seed() -> int:
    """A new random seed, 0 to 2**32 - 1, from the system's random source."""
    return random.SystemRandom().randint(0, MAX_SEED)
