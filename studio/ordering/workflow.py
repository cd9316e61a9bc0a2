"""The settings that a request does not name, and why each was chosen: a table of rules.

What a person names is never changed. The rules look at the prompt (number of people, motion,
length), the character, the style, and the free memory of the devices. `model_choice` chooses the
model before. The reason of each rule that applied is stored on the job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from generation.field import MediaType
from generation.models import ModelCard
from generation.pipelines.lora_files import LoraFit
from generation.scheduling.capacity import Fit
from generation.specs import SIZE_MULTIPLE, Quality, RenderSpec
from studio.models import Character, Style
from studio.models.lora_fits import fit_for
from studio.ordering import reasons
from studio.ordering.prompt_demands import PromptDemands
from studio.ordering.reasons import Choice
from studio.presentation.reasons import Reason

FEWEST_WHOLE = 8
"""With fewer steps computed in full, the result looks rough."""
WIDE = 4 / 3
"""Aspect ratio (width / height) of a picture with several people."""
SMALL_WINDOW = 8
"""Frames that are denoised together when the model's own number does not fit the memory."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as the rules see it; None for what it does not name."""

    type: str
    quality: Quality
    width: int | None
    height: int | None
    steps: int | None
    guidance: float | None
    model: ModelCard | None
    character: Character | None
    style: Style | None


@dataclass(slots=True)
class Workflow:
    """The settings so far, and the reasons for what was chosen."""

    wish: Wish
    demands: PromptDemands
    model: ModelCard
    settings: dict[str, Any]
    window_fits: Fit = Fit.NOW
    """Whether a device has the memory for the frames that the model denoises together."""
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SettingRule:
    """When a rule applies, what it sets, and its reason, whose texts may name settings."""

    when: Callable[[Workflow], bool]
    sets: Callable[[Workflow], dict[str, Any]]
    reason: Choice


RULES: tuple[SettingRule, ...] = (
    SettingRule(
        lambda flow: bool(flow.wish.style and flow.wish.style.model == flow.model),
        lambda flow: {},
        reasons.STYLE_MODEL,
    ),
    SettingRule(
        lambda flow: flow.wish.model is None and flow.wish.type == MediaType.VIDEO,
        lambda flow: {},
        reasons.CLIP_MODEL,
    ),
    SettingRule(
        lambda flow: _free_size(flow) and flow.demands.subjects > 1 and _has_room(flow),
        lambda flow: {"height": _less_high(flow)},
        reasons.WIDE_FOR_SUBJECTS,
    ),
    SettingRule(
        lambda flow: flow.wish.guidance is None and _style_wish(flow, "guidance") is not None,
        lambda flow: {"guidance": _style_wish(flow, "guidance")},
        reasons.STYLE_GUIDANCE,
    ),
    SettingRule(
        lambda flow: bool(_style_wish(flow, "scheduler")),
        lambda flow: {"scheduler": _style_wish(flow, "scheduler")},
        reasons.STYLE_SCHEDULER,
    ),
    SettingRule(
        lambda flow: flow.wish.steps is None and _style_wish(flow, "steps") is not None,
        lambda flow: {},
        reasons.STYLE_STEPS,
    ),
    SettingRule(
        lambda flow: _has_lora(flow) and not _lora_fit(flow).is_partial,
        lambda flow: {},
        reasons.CHARACTER_LORA,
    ),
    SettingRule(
        lambda flow: _has_lora(flow) and _lora_fit(flow).is_partial,
        lambda flow: {},
        reasons.CHARACTER_LORA_PARTLY,
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.VIDEO and flow.window_fits == Fit.NEVER,
        lambda flow: {"context_frames": _small_window(flow)},
        reasons.WINDOW_NOT_HELD,
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.VIDEO and flow.window_fits == Fit.LATER,
        lambda flow: {"context_frames": _small_window(flow)},
        reasons.WINDOW_NOT_FREE,
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.IMAGE and bool(flow.demands.motion),
        lambda flow: {},
        reasons.STILL_OF_MOTION,
    ),
)


def choose(
    wish: Wish, prompt: str, model: ModelCard, settings: dict[str, Any], *, window_fits: Fit
) -> Workflow:
    """Apply every rule in order to the settings that the model prefers."""
    flow = Workflow(wish, PromptDemands.of(prompt, model), model, dict(settings), window_fits)
    for rule in RULES:
        if rule.when(flow):
            flow.settings.update(rule.sets(flow))
            flow.reasons.append(rule.reason.because(**_values(flow)))
    return flow


def warnings(spec: RenderSpec) -> list[Reason]:
    """Reasons that warn of a finished spec: an acceleration that computes few steps in full."""
    steps = spec.denoising_steps
    whole = ceil(steps / spec.acceleration)
    if spec.acceleration == 1 or whole >= FEWEST_WHOLE:
        return []
    return [
        reasons.FEW_WHOLE_STEPS.because(acceleration=spec.acceleration, whole=whole, steps=steps)
    ]


def _values(flow: Workflow) -> dict[str, Any]:
    style, character = flow.wish.style, flow.wish.character
    return {
        **flow.settings,
        "model": flow.model.name,
        "style": style.name if style else "",
        "style_steps": style.steps if style else "",
        "character": character.name if character else "",
        "lora_fits": _lora_fit(flow).fits,
        "lora_modules": _lora_fit(flow).modules,
        "quality": flow.wish.quality.value,
        "subjects": flow.demands.subjects,
        "motion": flow.demands.motion,
    }


def _style_wish(flow: Workflow, name: str) -> Any:
    return getattr(flow.wish.style, name) if flow.wish.style else None


def _has_lora(flow: Workflow) -> bool:
    return bool(flow.wish.character and flow.wish.character.lora)


def _lora_fit(flow: Workflow) -> LoraFit:
    """How much of the character's LoRA fits the model; of unknown size if nobody has looked."""
    facts = flow.wish.character.lora_facts if flow.wish.character else {}
    return fit_for(facts, flow.model) or LoraFit(modules=0, fits=0)


def _free_size(flow: Workflow) -> bool:
    return flow.wish.width is None and flow.wish.height is None


def _small_window(flow: Workflow) -> int:
    return min(SMALL_WINDOW, flow.model.context_frames)


def _less_high(flow: Workflow) -> int:
    return int(flow.settings["width"] / WIDE) // SIZE_MULTIPLE * SIZE_MULTIPLE


def _has_room(flow: Workflow) -> bool:
    return flow.model.limits.min_size <= _less_high(flow) < int(flow.settings["height"])
