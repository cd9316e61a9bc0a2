"""From a request to one RenderSpec: prompt + character + style + quality."""

from dataclasses import dataclass, replace
from typing import Any

from generation import limits, specs
from generation.errors import SpecError
from generation.field import CLIPS, MAX_PROMPT_LENGTH, MediaType
from generation.library.upscalers import choose_upscaler
from generation.models import ModelCard, Output
from generation.pipelines.interpolate import interpolate
from generation.scheduling import capacity
from generation.specs import Lora, Quality, RenderSpec, SourceFile, SourceUse
from studio.models import Character, Style
from studio.models.lora_fits import fit_for, fitting_models
from studio.ordering import refusals
from studio.ordering.model_choice import choose_model
from studio.ordering.prompt_reasons import prompt_reasons
from studio.ordering.prompt_text import visible
from studio.ordering.request import FIELDS, RenderRequest
from studio.ordering.workflow import Wish, Workflow, choose
from studio.presentation.reasons import Reason

STRENGTH = 0.8
"""Default strength of a clip that begins with a picture."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A complete spec, its model, and the reasons for what the request did not name."""

    spec: RenderSpec
    model: ModelCard
    reasons: list[Reason]


def compose(request: RenderRequest) -> Composed:
    """The complete, checked spec and its model. Raises SpecError with the first bad field."""
    prompt = _prompt(request)
    model, chosen = choose_model(
        request.model, request.style, request.type, prompt, free=_takes_any_model(request)
    )
    if request.type == MediaType.IMAGE:
        _refuse_what_only_clips_have(request)
    _refuse_lora_of_other_model(request.character, model)
    spec = RenderSpec(
        **{
            **_usual(request, model),
            **request.settings,
            **(_clip_fields(request, model) if request.type == MediaType.VIDEO else {}),
            "model": model.slug,
            "prompt": prompt,
            "negative_prompt": _negative_prompt(request),
            "upscaler": choose_upscaler(request.upscale, request.upscaler),
            "loras": _loras(request.character),
        }
    )
    flow = _choose(request, spec, model)
    checked = limits.check(replace(spec, **flow.settings), model.limits)
    told = {reason.chosen for reason in chosen}
    others = [reason for reason in flow.reasons if reason.chosen not in told]
    return Composed(checked, model, [*chosen, *others, *prompt_reasons(checked, model)])


def _usual(request: RenderRequest, model: ModelCard) -> dict[str, Any]:
    """Default settings."""
    return {
        "type": request.type,
        "quality": request.quality,
        "width": model.width,
        "height": model.height,
        "steps": style_steps(request.style, model, request.quality),
        "guidance": model.guidance,
        "seed": specs.draw_seed(),
        "scheduler": model.scheduler,
    }


def _takes_any_model(request: RenderRequest) -> bool:
    """Whether the request names nothing that only some models support."""
    named = (request.width, request.height, request.frames, request.duration)
    return not any(named) and not _loras(request.character)


def _choose(request: RenderRequest, spec: RenderSpec, model: ModelCard) -> Workflow:
    """The settings by the rules of `workflow` for everything that the request does not name."""
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
    """Steps of a quality. A style's steps are those of a final; other qualities get their share."""
    steps = model.steps_for(quality)
    if style is None or style.steps is None:
        return steps
    return max(1, round(style.steps * steps / model.final_steps))


def _clip_fields(request: RenderRequest, model: ModelCard) -> dict[str, Any]:
    fps = _first(request.fps, model.fps)
    return {
        "fps": fps,
        "frames": _frames(request, fps, model),
        "context_frames": model.context_frames,
        **(_begin_with(request.source, request.strength) if request.source else {}),
        **({"interpolator": interpolate.DEFAULT} if request.interpolate != 1 else {}),
    }


def _frames(request: RenderRequest, fps: float, model: ModelCard) -> int:
    """Frames to draw: as named, or by the named duration."""
    if request.duration is None:
        return int(_first(request.frames, model.frames))
    frames = max(2, round(request.duration * fps))
    if request.frames not in (None, frames):
        raise SpecError(
            "duration",
            refusals.TWO_LENGTHS,
            "frames or duration",
            duration=request.duration,
            fps=fps,
            frames=frames,
            asked=request.frames,
        )
    return frames


def _begin_with(source: Output, strength: float | None) -> dict[str, Any]:
    if source.kind != MediaType.IMAGE:
        raise SpecError("source", refusals.SOURCE_NO_IMAGE, "an image output")
    return {
        "source": SourceFile(
            file=str(source.file.name), sha256=source.sha256, use=SourceUse.FIRST_FRAME
        ),
        "strength": _first(strength, STRENGTH),
    }


def _refuse_what_only_clips_have(request: RenderRequest) -> None:
    """Refuse settings that only clips have, instead of ignoring them."""
    if request.frames not in (None, 1):
        raise SpecError("frames", refusals.IMAGE_FRAMES, "1, or type video")
    for name, field in FIELDS.items():
        named = request.named.get(name, field.default)
        if field.media == CLIPS and name != "frames" and named != field.default:
            raise SpecError(name, refusals.ONLY_FOR_CLIPS, "nothing, or type video")


def _prompt(request: RenderRequest) -> str:
    if not visible(request.prompt):
        return ""
    look = request.character.look if request.character else ""
    prompt = _joined(look, request.prompt)
    whole = visible(request.style.apply(prompt) if request.style else prompt)
    if len(whole) > MAX_PROMPT_LENGTH >= len(request.prompt):
        raise SpecError(
            "prompt",
            refusals.PROMPT_WITH_WORDS_TOO_LONG,
            f"1 to {MAX_PROMPT_LENGTH} characters in all",
            count=len(whole),
        )
    return whole


def _negative_prompt(request: RenderRequest) -> str:
    parts = [request.negative_prompt]
    parts += [thing.negative_prompt for thing in (request.character, request.style) if thing]
    return _joined(*parts)


def _joined(*parts: str) -> str:
    """The parts that have something visible, one after the other."""
    return ", ".join(part for part in map(visible, parts) if part)


def _loras(character: Character | None) -> tuple[Lora, ...]:
    if character is None or not character.lora:
        return ()
    return (
        Lora(
            file=str(character.lora.name), sha256=character.lora_sha256, scale=character.lora_scale
        ),
    )


def _refuse_lora_of_other_model(character: Character | None, model: ModelCard) -> None:
    if character is None or not character.lora:
        return
    fit = fit_for(character.lora_facts, model)
    if fit is not None and not fit.applies:
        allowed = ", ".join(fitting_models(character.lora_facts))
        raise SpecError(
            "model",
            refusals.LORA_OF_OTHER_MODEL,
            allowed,
            character=character.name,
            model=model.name,
        )


def _first(*values: Any) -> Any:
    """The first value that is not None."""
    return next(value for value in values if value is not None)
