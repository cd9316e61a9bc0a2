"""Checks whether a model can render a spec: each setting by its declaration, then the whole."""

from dataclasses import dataclass

from generation import refusals
from generation.errors import SpecError
from generation.field import MediaType, Number
from generation.specs import (
    FIELDS,
    MAX_DELIVERED_FPS,
    MAX_DELIVERED_PIXELS,
    SIZE_MULTIPLE,
    RenderSpec,
)

DELIVERY = ("interpolate", "upscale", "formats")
"""Settings that are applied to finished frames: only these may change in an enhancement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of a model; sizes in pixels.

    The last three are capabilities of its family: taking LoRAs, beginning a clip with a given
    picture, and leaving out the denoiser's deep layers in some steps.
    """

    types: tuple[str, ...]
    min_size: int
    max_size: int
    max_frames: int = 1
    lora: bool = True
    begins_with_picture: bool = True
    accelerates: bool = True


def check(spec: RenderSpec, limits: Limits) -> RenderSpec:
    """Return the spec if the model can render it. Raises SpecError for the first bad field."""
    if spec.draws and spec.type not in limits.types:
        raise SpecError(
            "type",
            refusals.MEDIUM_NOT_MADE,
            " or ".join(limits.types),
            model=spec.model,
            medium=spec.type,
        )
    _check_delivery(spec)
    if not spec.draws:
        if spec.interpolate == spec.upscale == 1 and not spec.formats:
            raise SpecError(
                "upscale", refusals.NOTHING_ASKED, "interpolate or upscale by 2 or 4, or formats"
            )
        return spec
    _check_size(spec, limits)
    if spec.type == MediaType.VIDEO:
        Number(2, limits.max_frames, whole=True).check("frames", spec.frames)
    _check_each(spec, set(FIELDS) - {*DELIVERY, "fps", "width", "height", "frames"})
    _check_family(spec, limits)
    return spec


def _check_each(spec: RenderSpec, names: set[str]) -> None:
    """Check each named setting that this type of job has, by its declaration."""
    for name in FIELDS:
        field = FIELDS[name]
        # A setting at its usual value was not requested.
        if name not in names or field.kind is None or getattr(spec, name) == field.usual:
            continue
        if spec.type in field.media or name in DELIVERY:
            field.kind.check(name, getattr(spec, name))


def _check_size(spec: RenderSpec, limits: Limits) -> None:
    for name, pixels in (("width", spec.width), ("height", spec.height)):
        if not limits.min_size <= pixels <= limits.max_size or pixels % SIZE_MULTIPLE:
            raise SpecError(
                name,
                refusals.SIZE_NOT_RENDERED,
                f"multiples of {SIZE_MULTIPLE} from {limits.min_size} to {limits.max_size}",
                model=spec.model,
                pixels=pixels,
            )


def _check_family(spec: RenderSpec, limits: Limits) -> None:
    """Check the capabilities that not all families have."""
    if spec.acceleration > 1 and not limits.accelerates:
        raise SpecError("acceleration", refusals.NOT_ACCELERATED, "1", model=spec.model)
    if spec.loras and not limits.lora:
        raise SpecError("model", refusals.NO_LORAS, "a model that takes LoRAs", model=spec.model)
    if spec.source is not None and not limits.begins_with_picture:
        raise SpecError(
            "source", refusals.NO_FIRST_PICTURE, "no picture to begin with", model=spec.model
        )


def _check_delivery(spec: RenderSpec) -> None:
    """Check the settings that apply to drawn frames or to a file that is enhanced."""
    _check_each(spec, set(DELIVERY))
    if max(spec.delivered_size) > MAX_DELIVERED_PIXELS:
        width, height = spec.delivered_size
        allowed = f"up to {MAX_DELIVERED_PIXELS} pixels a side"
        raise SpecError("upscale", refusals.FILE_TOO_LARGE, allowed, width=width, height=height)
    if spec.type == MediaType.VIDEO:
        _check_each(spec, {"fps"})
        if spec.delivered_fps > MAX_DELIVERED_FPS:
            allowed = f"up to {MAX_DELIVERED_FPS} frames a second"
            raise SpecError("interpolate", refusals.FPS_TOO_HIGH, allowed, fps=spec.delivered_fps)
    elif spec.interpolate != 1 or spec.formats:
        name = "interpolate" if spec.interpolate != 1 else "formats"
        raise SpecError(name, refusals.ONLY_FOR_CLIPS, "type video")
