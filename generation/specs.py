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

from generation.errors import SpecError

MAX_PROMPT_LENGTH = 2000
MAX_STEPS = 150
MAX_GUIDANCE = 30.0
MAX_SEED = 2**32 - 1
SIZE_MULTIPLE = 8


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a model can be asked for; sizes in pixels."""

    types: tuple[str, ...]
    min_size: int
    max_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """One render, complete: no default is looked up later. Sizes in pixels."""

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
    frames: int = 1
    fps: int = 0
    loras: tuple[Lora, ...] = field(default=())

    @property
    def guided(self) -> bool:
        """True when every step costs two forwards (classifier-free guidance)."""
        return self.guidance > 1.0

    def as_json(self) -> dict[str, Any]:
        """A dictionary that json can write and `from_json` reads back to an equal spec."""
        # 4 and 4.0 are the same guidance and must read, and hash, the same.
        loras = [{**asdict(lora), "scale": float(lora.scale)} for lora in self.loras]
        return {**asdict(self), "guidance": float(self.guidance), "loras": loras}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RenderSpec":
        """The spec that `as_json` wrote. Raises TypeError for unknown or missing fields."""
        loras = tuple(Lora(**lora) for lora in data.get("loras", ()))
        return cls(**{**data, "loras": loras})

    def content_hash(self) -> str:
        """SHA-256 in hex over the sorted JSON: equal specs have equal hashes in any process."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def draw_seed() -> int:
    """A fresh seed, 0 to 2**32 - 1, from the system's randomness."""
    return random.SystemRandom().randint(0, MAX_SEED)


def check(spec: RenderSpec, limits: Limits) -> RenderSpec:
    """The spec itself when the model can render it. Raises SpecError naming the first bad field."""
    if spec.type not in limits.types:
        raise SpecError(
            "type", f"The model {spec.model} makes no {spec.type}.", " or ".join(limits.types)
        )
    _check_text("prompt", spec.prompt, 1)
    _check_text("negative_prompt", spec.negative_prompt, 0)
    for name, pixels in (("width", spec.width), ("height", spec.height)):
        if not limits.min_size <= pixels <= limits.max_size or pixels % SIZE_MULTIPLE:
            raise SpecError(
                name,
                f"{pixels} pixels cannot be rendered by {spec.model}.",
                f"multiples of {SIZE_MULTIPLE} from {limits.min_size} to {limits.max_size}",
            )
    _check_range("steps", spec.steps, 1, MAX_STEPS)
    _check_range("guidance", spec.guidance, 0.0, MAX_GUIDANCE)
    _check_range("seed", spec.seed, 0, MAX_SEED)
    return spec


def _check_text(name: str, text: str, shortest: int) -> None:
    if "\x00" in text:
        raise SpecError(name, "The text holds a NUL character.", "any other text")
    if not shortest <= len(text.strip()) or len(text) > MAX_PROMPT_LENGTH:
        raise SpecError(
            name,
            f"The text has {len(text)} characters." if text.strip() else "The text is empty.",
            f"{shortest} to {MAX_PROMPT_LENGTH} characters",
        )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # The comparison is written so that NaN fails it.
    if not low <= value <= high:
        raise SpecError(name, f"{value} is outside the range.", f"{low} to {high}")
