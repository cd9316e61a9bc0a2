"""RenderSpec: everything that decides a picture, and nothing else.

Two specs with the same content hash render the same file on the same kind of device. Who asked,
how urgent it is and which project it is for belong to the job, not here.
"""

import hashlib
import json
import random
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from generation.states import Work

MAX_PROMPT_LENGTH = 2000
MAX_STEPS = 150
MAX_GUIDANCE = 30.0
MAX_SEED = 2**32 - 1
MAX_FPS = 60
MAX_DELIVERED_FPS = 100
MAX_DELIVERED_PIXELS = 8192
SIZE_MULTIPLE = 8
MAX_BATCHED_PIXELS = 512 * 512
"""Pictures above this are rendered one by one."""
FACTORS = (1, 2, 4)
"""How often frames may be interpolated and sizes multiplied; 1 leaves them as they are."""

ACCELERATIONS = (1, 2, 3)
"""The denoiser's deep layers are computed in one of so many steps (DeepCache); 1: in all."""

CLIP_FORMATS = ("webm", "gif", "apng")
"""What a video can be had as beside its MP4."""


class MediaType(StrEnum):
    """What a render makes."""

    IMAGE = "image"
    VIDEO = "video"


class Quality(StrEnum):
    """The ladder from a quick look to the picture that is delivered."""

    DRAFT = "draft"
    STANDARD = "standard"
    FINAL = "final"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return self.value.capitalize()

    @classmethod
    def from_word(cls, word: str) -> "Quality":
        """The quality a word names; low, medium and high are the same three. Raises KeyError."""
        return {
            "draft": cls.DRAFT,
            "low": cls.DRAFT,
            "standard": cls.STANDARD,
            "medium": cls.STANDARD,
            "final": cls.FINAL,
            "high": cls.FINAL,
        }[word]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """Extra low-rank weights. `file` is a name in the media storage, `sha256` its content."""

    file: str
    sha256: str
    scale: float = 1.0


class SourceUse(StrEnum):
    """What a render does with the file that it starts from."""

    FIRST_FRAME = "first_frame"
    ENHANCE = "enhance"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """The finished file that a render starts from: a name in the media storage and its content."""

    file: str
    sha256: str
    use: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """One render, complete: no default is looked up later. Sizes in pixels.

    `width`, `height`, `frames` and `fps` describe what the model draws (or what the source is);
    the properties beginning with `delivered_` say what comes out after interpolation and
    upscaling.
    """

    type: str
    model: str
    prompt: str
    negative_prompt: str = ""
    quality: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    scheduler: str = ""
    acceleration: int = 1
    frames: int = 1
    fps: float = 0.0
    context_frames: int = 16
    loop: bool = False
    source: SourceFile | None = None
    strength: float = 1.0
    interpolate: int = 1
    interpolator: str = ""
    upscale: int = 1
    upscaler: str = ""
    formats: tuple[str, ...] = field(default=())
    loras: tuple[Lora, ...] = field(default=())

    @property
    def guided(self) -> bool:
        """True when every step costs two forwards (classifier-free guidance)."""
        return self.guidance > 1.0

    @property
    def enhances(self) -> bool:
        """True when nothing is drawn: a finished file is interpolated or upscaled."""
        return self.source is not None and self.source.use == SourceUse.ENHANCE

    @property
    def work(self) -> Work:
        """The kind of work that this mainly is; where it may go is decided by that."""
        if self.enhances:
            if self.interpolate > 1:
                return Work.INTERPOLATE
            return Work.UPSCALE if self.upscale > 1 else Work.VIDEO
        if self.type == MediaType.VIDEO:
            return Work.VIDEO
        return Work.PREVIEW if self.quality == Quality.DRAFT else Work.IMAGE

    @property
    def longest_side(self) -> int:
        """Of what is drawn, in pixels; what is only made larger or smoother is not drawn."""
        return 0 if self.enhances else max(self.width, self.height)

    @property
    def batch_key(self) -> str:
        """Equal for pictures that may be denoised together; empty for what runs alone.

        They differ in texts, seed and quality's name only. Large pictures fill a device alone, and
        what deep layers gave belongs to one picture.
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
        """Steps that are really made: a source takes the place of the first ones.

        As in diffusers' image to image: of `steps`, the last `strength` of them.
        """
        if self.enhances:
            return 0
        return max(1, min(self.steps, int(self.steps * self.strength)))

    @property
    def delivered_frames(self) -> int:
        """Frames of the finished file: in-betweens stand between frames, and close a loop."""
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
        """A dictionary that json can write and `from_json` reads back to an equal spec."""
        # 4 and 4.0 are the same guidance and must read, and hash, the same.
        loras = [{**asdict(lora), "scale": float(lora.scale)} for lora in self.loras]
        fps = int(self.fps) if self.fps == int(self.fps) else self.fps
        written = {**asdict(self), "guidance": float(self.guidance), "fps": fps, "loras": loras}
        for name, usual in LATER_FIELDS.items():
            # Left out while it says nothing, so that specs written before it keep their hashes.
            if getattr(self, name) == usual:
                del written[name]
        if "formats" in written:
            written["formats"] = list(self.formats)
        return written

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RenderSpec":
        """The spec that `as_json` wrote. Raises TypeError for unknown or missing fields."""
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


def _sha256(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


LATER_FIELDS: dict[str, Any] = {
    "acceleration": 1,
    "context_frames": 16,
    "loop": False,
    "source": None,
    "strength": 1.0,
    "interpolate": 1,
    "interpolator": "",
    "upscale": 1,
    "upscaler": "",
    "formats": (),
}
"""Fields that came after the first files were written, with the values that change nothing."""


def draw_seed() -> int:
    """A fresh seed, 0 to 2**32 - 1, from the system's randomness."""
    return random.SystemRandom().randint(0, MAX_SEED)
