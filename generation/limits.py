"""What may be asked for: the limits of a model and of every render, and the refusals by field."""

from dataclasses import dataclass

from generation.errors import SpecError
from generation.specs import (
    ACCELERATIONS,
    CLIP_FORMATS,
    FACTORS,
    MAX_DELIVERED_FPS,
    MAX_DELIVERED_PIXELS,
    MAX_FPS,
    MAX_GUIDANCE,
    MAX_PROMPT_LENGTH,
    MAX_SEED,
    MAX_STEPS,
    SIZE_MULTIPLE,
    MediaType,
    RenderSpec,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a model can be asked for; sizes in pixels."""

    types: tuple[str, ...]
    min_size: int
    max_size: int
    max_frames: int = 1


def one_of(numbers: tuple[int, ...]) -> str:
    """A few numbers to choose from, in words."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}"


def check(spec: RenderSpec, limits: Limits) -> RenderSpec:
    """The spec itself when the model can render it. Raises SpecError naming the first bad field."""
    if spec.type not in limits.types and not spec.enhances:
        raise SpecError(
            "type", f"The model {spec.model} makes no {spec.type}.", " or ".join(limits.types)
        )
    _check_afterwards(spec)
    if spec.enhances:
        return spec
    _check_text("prompt", spec.prompt, 1)
    _check_text("negative_prompt", spec.negative_prompt, 0)
    if spec.type == MediaType.VIDEO:
        _check_range("frames", spec.frames, 2, limits.max_frames)
        _check_range("strength", spec.strength, 0.05, 1.0)
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
    if spec.acceleration not in ACCELERATIONS:
        raise SpecError(
            "acceleration", f"{spec.acceleration} is not offered.", one_of(ACCELERATIONS)
        )
    return spec


def _check_afterwards(spec: RenderSpec) -> None:
    """What happens to the frames once they are drawn, or to a file that is enhanced."""
    for name, factor in (("interpolate", spec.interpolate), ("upscale", spec.upscale)):
        if factor not in FACTORS:
            raise SpecError(name, f"{factor} is no factor for this.", one_of(FACTORS))
    if max(spec.delivered_size) > MAX_DELIVERED_PIXELS:
        width, height = spec.delivered_size
        raise SpecError(
            "upscale",
            f"The finished file would have {width}×{height} pixels.",
            f"up to {MAX_DELIVERED_PIXELS} pixels a side",
        )
    if spec.type == MediaType.VIDEO:
        _check_range("fps", spec.fps, 1, MAX_FPS)
        if spec.delivered_fps > MAX_DELIVERED_FPS:
            raise SpecError(
                "interpolate",
                f"The clip would show {spec.delivered_fps:g} frames a second.",
                f"up to {MAX_DELIVERED_FPS} frames a second",
            )
    elif spec.interpolate != 1 or spec.formats:
        name = "interpolate" if spec.interpolate != 1 else "formats"
        raise SpecError(name, "A single picture has no other frames.", "type video")
    for wanted in spec.formats:
        if wanted not in CLIP_FORMATS:
            raise SpecError("formats", f"{wanted!r} is no format.", ", ".join(CLIP_FORMATS))
    if spec.enhances and spec.interpolate == spec.upscale == 1 and not spec.formats:
        raise SpecError("upscale", "Nothing is asked for.", "interpolate or upscale by 2 or 4")


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
