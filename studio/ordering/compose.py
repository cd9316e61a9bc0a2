"""From what a person asked to one RenderSpec: shot + character + style + quality."""

from dataclasses import dataclass, replace
from typing import Any

from generation import limits, specs
from generation.errors import SpecError
from generation.library.register import choose_upscaler
from generation.models import ModelCard, Output
from generation.pipelines.interpolate import interpolate
from generation.scheduling import capacity
from generation.specs import Lora, MediaType, Quality, RenderSpec, SourceFile, SourceUse
from generation.states import Priority
from studio.models import Character, Project, Shot, Style
from studio.ordering.model_choice import choose_model
from studio.ordering.workflow import Reason, Wish, Workflow, choose

STRENGTH = 0.8
"""How much of a clip that begins with a picture is drawn anew, unless somebody says."""


@dataclass(kw_only=True, slots=True)
class RenderRequest:
    """What was asked, with its things already found and allowed. None means: you choose."""

    prompt: str
    owner_id: int | None = None
    type: str = MediaType.IMAGE
    negative_prompt: str = ""
    quality: Quality = Quality.STANDARD
    priority: Priority = Priority.NORMAL
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration: float | None = None
    fps: float | None = None
    loop: bool = False
    source: Output | None = None
    strength: float | None = None
    interpolate: int = 1
    upscale: int = 1
    upscaler: str | None = None
    formats: tuple[str, ...] = ()
    steps: int | None = None
    acceleration: int | None = None
    guidance: float | None = None
    seed: int | None = None
    model: ModelCard | None = None
    character: Character | None = None
    style: Style | None = None
    project: Project | None = None
    shot: Shot | None = None
    finish_within: float | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A complete spec, its model, and why what nobody named was chosen so."""

    spec: RenderSpec
    model: ModelCard
    reasons: list[Reason]


def compose(request: RenderRequest) -> Composed:
    """The complete spec and its model, checked. Raises SpecError naming the first bad field."""
    prompt = _prompt(request)
    model, chosen = choose_model(
        request.model, request.style, request.type, prompt, free=_takes_any_model(request)
    )
    if request.type == MediaType.IMAGE:
        _refuse_what_only_clips_have(request)
    spec = RenderSpec(
        type=request.type,
        model=model.slug,
        prompt=prompt,
        negative_prompt=_negative_prompt(request),
        quality=request.quality,
        width=_first(request.width, model.width),
        height=_first(request.height, model.height),
        steps=_first(request.steps, style_steps(request.style, model, request.quality)),
        guidance=_first(request.guidance, model.guidance),
        seed=_first(request.seed, specs.draw_seed()),
        scheduler=model.scheduler,
        acceleration=_first(request.acceleration, 1),
        interpolate=request.interpolate,
        upscale=request.upscale,
        upscaler=choose_upscaler(request.upscale, request.upscaler),
        formats=request.formats,
        loras=_loras(request.character),
        **(_clip_fields(request, model) if request.type == MediaType.VIDEO else {}),
    )
    flow = _choose(request, spec, model)
    checked = limits.check(replace(spec, **flow.settings), model.limits)
    told = dict(chosen)
    return Composed(checked, model, [*chosen, *(one for one in flow.reasons if one[0] not in told)])


def _takes_any_model(request: RenderRequest) -> bool:
    """Whether nothing was named that fits the one model and not the other."""
    named = (request.width, request.height, request.frames, request.duration)
    return not any(named) and not _loras(request.character)


def _choose(request: RenderRequest, spec: RenderSpec, model: ModelCard) -> Workflow:
    """What the rules of the workflow make of everything that nobody named."""
    named = ("type", "quality", "width", "height", "steps", "guidance", "model")
    wish = Wish(
        **{name: getattr(request, name) for name in named},
        character=request.character,
        style=request.style,
    )
    chosen = ("width", "height", "steps", "guidance", "scheduler", "context_frames")
    settings = {name: getattr(spec, name) for name in chosen}
    return choose(wish, spec.prompt, model, settings, window_fits=capacity.window_fits(spec, model))


def style_steps(style: Style | None, model: ModelCard, quality: Quality) -> int:
    """A style's steps are those of its final; other qualities take the model's share of them."""
    steps = model.steps_for(quality)
    if style is None or style.steps is None:
        return steps
    return max(1, round(style.steps * steps / model.final_steps))


def _clip_fields(request: RenderRequest, model: ModelCard) -> dict[str, Any]:
    fps = _first(request.fps, model.fps)
    return {
        "fps": fps,
        "frames": _frames(request, fps, model),
        "loop": request.loop,
        "context_frames": model.context_frames,
        **(_begin_with(request.source, request.strength) if request.source else {}),
        **({"interpolator": interpolate.DEFAULT} if request.interpolate != 1 else {}),
    }


def _frames(request: RenderRequest, fps: float, model: ModelCard) -> int:
    """Frames to draw: as many as were named, or as fill the seconds that were."""
    if request.duration is None:
        return int(_first(request.frames, model.frames))
    frames = max(2, round(request.duration * fps))
    if request.frames not in (None, frames):
        raise SpecError(
            "duration",
            f"{request.duration} seconds at {fps} frames a second are {frames} frames, "
            f"and {request.frames} are asked for.",
            "frames or duration",
        )
    return frames


def _begin_with(source: Output, strength: float | None) -> dict[str, Any]:
    if source.kind != MediaType.IMAGE:
        raise SpecError("source", "A clip can only begin with a picture.", "an image output")
    return {
        "source": SourceFile(
            file=str(source.file.name), sha256=source.sha256, use=SourceUse.FIRST_FRAME
        ),
        "strength": _first(strength, STRENGTH),
    }


def _refuse_what_only_clips_have(request: RenderRequest) -> None:
    """Asking a picture for a length is a mistake worth telling."""
    if request.frames not in (None, 1):
        raise SpecError("frames", "An image has one frame.", "1, or type video")
    for name in ("duration", "fps", "source", "strength"):
        if getattr(request, name) is not None:
            raise SpecError(name, f"An image has no {name}.", "nothing, or type video")
    if request.loop:
        raise SpecError("loop", "An image has no loop.", "false, or type video")


def _prompt(request: RenderRequest) -> str:
    if not request.prompt.strip():
        return request.prompt
    look = request.character.look if request.character else ""
    prompt = ", ".join(part.strip() for part in (look, request.prompt) if part.strip())
    whole = request.style.apply(prompt) if request.style else prompt
    if len(whole) > specs.MAX_PROMPT_LENGTH >= len(request.prompt):
        raise SpecError(
            "prompt",
            f"With the words of character and style the text has {len(whole)} characters.",
            f"1 to {specs.MAX_PROMPT_LENGTH} characters in all",
        )
    return whole


def _negative_prompt(request: RenderRequest) -> str:
    parts = [request.negative_prompt]
    parts += [thing.negative_prompt for thing in (request.character, request.style) if thing]
    return ", ".join(part.strip() for part in parts if part.strip())


def _loras(character: Character | None) -> tuple[Lora, ...]:
    if character is None or not character.lora:
        return ()
    return (
        Lora(
            file=str(character.lora.name), sha256=character.lora_sha256, scale=character.lora_scale
        ),
    )


def _first(*values: Any) -> Any:
    """The first value that somebody gave: 0 counts, None does not."""
    return next(value for value in values if value is not None)
