"""What a device's memory can hold: asked at the submit, so that the kernel need not say no.

What no device can ever hold is refused; what other programs leave free now decides only what nobody
named.

A clip is denoised in windows, so what counts is the size of the picture and the frames of one
window; the latents of all frames come on top, and they are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from generation import refusals
from generation.errors import SpecError
from generation.field import MediaType
from generation.models import Device, ModelCard
from generation.pipelines.registry import family
from generation.scheduling import placement
from generation.specs import RenderSpec
from generation.states import Work

LATENT_COPIES = 8
"""Latents, noise, estimate, and what schedulers keep of former steps."""
WINDOWS_A_FRAME = 2
"""In so many windows does a frame lie at most."""
USABLE = 0.9
"""Share of the memory that a render may fill; the rest is the system's."""
NUMBER_BYTES = {"cpu": 4, "cuda": 2}
"""Size of one number, by kind of device: float32 on CPUs, float16 on cards."""


class Fit(IntEnum):
    """Whether some device's memory holds something.

    LATER: once other programs let go of theirs.
    """

    NEVER = 0
    LATER = 1
    NOW = 2


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a clip needs: whatever its length, for each frame of a window, for each frame.

    The process itself, its libraries and what it reads files with, comes on top.
    """

    fixed: float
    window_frame: float
    frame: float

    @classmethod
    def of(cls, spec: RenderSpec, model: ModelCard, kind: str) -> MemoryNeed:
        """The need of a spec on a kind of device."""
        size = _number_bytes(kind)
        facts = family(model.family)
        places = (spec.width // facts.latent_pixels) * (spec.height // facts.latent_pixels)
        forwards = 2 if spec.guided else 1
        # Deep layers that are kept between steps lie in the host's memory, and so in a CPU's.
        shared = spec.acceleration > 1 and kind == "cpu"
        kept = WINDOWS_A_FRAME * model.channels * places * forwards * size if shared else 0
        return cls(
            fixed=model.all_parameters * size,
            window_frame=facts.feature_maps * model.channels * places * forwards * size,
            frame=LATENT_COPIES * facts.latent_channels * places * size + kept,
        )

    def total(self, frames: int, context_frames: int) -> float:
        """Bytes for a clip of so many frames."""
        window = min(frames, context_frames)
        return self.fixed + window * self.window_frame + frames * self.frame

    def largest(self, memory_bytes: float, context_frames: int) -> int:
        """The most frames that fit in the memory; 0 when not even one does."""
        left = memory_bytes - self.fixed
        windowed = left - context_frames * self.window_frame
        if windowed >= context_frames * self.frame:
            return int(windowed / self.frame)
        return max(0, int(left / (self.window_frame + self.frame)))


def weights_fit(model: ModelCard) -> Fit:
    """Whether some device may load a model and holds its weights; NOW when none is known yet."""
    devices = _known()
    if not devices:
        return Fit.NOW
    able = [device for device in devices if placement.loads(device, model.family)]
    return _best(able, lambda device: model.all_parameters * _number_bytes(device.kind))


def fits_all(specs: Iterable[RenderSpec], model: ModelCard) -> list[Fit]:
    """Whether the memory of some device holds each clip; NOW for what is none."""
    devices = _drawing_clips(model)
    return [_fit_of(spec, model, spec.frames, devices) for spec in specs]


def window_fits(spec: RenderSpec, model: ModelCard) -> Fit:
    """Whether some device holds the frames of a clip that are denoised together."""
    window = min(spec.frames, spec.context_frames)
    return _fit_of(spec, model, window, _drawing_clips(model))


def check(spec: RenderSpec, model: ModelCard) -> None:
    """Nothing, when some device has the memory for a clip, or none is known yet.

    Raises SpecError naming the frames, or the width when no clip of that size fits.
    """
    devices = _drawing_clips(model)
    if not devices or not _needs_room(spec):
        return
    largest = max(
        MemoryNeed.of(spec, model, device.kind).largest(
            device.memory_bytes * USABLE, spec.context_frames
        )
        for device in devices
    )
    if largest < 2:
        raise SpecError(
            "width",
            refusals.CLIP_SIZE_NOT_HELD,
            "a smaller width and height",
            width=spec.width,
            height=spec.height,
        )
    if spec.frames > largest:
        raise SpecError(
            "frames",
            refusals.FRAMES_NOT_HELD,
            f"2 to {min(largest, model.max_frames)}",
            frames=spec.frames,
            width=spec.width,
            height=spec.height,
        )


def _needs_room(spec: RenderSpec) -> bool:
    return spec.type == MediaType.VIDEO and spec.draws


def _known() -> list[Device]:
    return [device for device in Device.objects.all() if device.memory_bytes]


def _drawing_clips(model: ModelCard) -> list[Device]:
    return [
        device
        for device in _known()
        if Work.VIDEO in device.works and placement.loads(device, model.family)
    ]


def _fit_of(spec: RenderSpec, model: ModelCard, frames: int, devices: list[Device]) -> Fit:
    """NOW where no device draws clips, for `placement` says that."""
    if not devices or not _needs_room(spec):
        return Fit.NOW
    return _best(
        devices,
        lambda device: MemoryNeed.of(spec, model, device.kind).total(frames, spec.context_frames),
    )


def _best(devices: list[Device], need: Callable[[Device], float]) -> Fit:
    """While all that could hold it are away nobody knows what is free: all memory counts then."""
    able = [device for device in devices if need(device) <= device.memory_bytes * USABLE]
    if not able:
        return Fit.NEVER
    told = [(device.free_now, need(device)) for device in able if device.free_now is not None]
    return Fit.NOW if not told or any(free >= needed for free, needed in told) else Fit.LATER


def _number_bytes(kind: str) -> int:
    return NUMBER_BYTES.get(kind, max(NUMBER_BYTES.values()))
