"""Which settings a request gets that names none, and why: a table of rules that one can read.

What a person names is never changed. For the rest the prompt's demands count (how many people, how
much motion, how long a text), what the character and the style bring along, and the memory that is
free on the devices. The model itself is chosen before, in `model_choice`. Each rule that chose
something leaves its reason on the job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from generation.field import MediaType
from generation.models import ModelCard
from generation.scheduling.capacity import Fit
from generation.specs import SIZE_MULTIPLE, Quality, RenderSpec
from studio.models import Character, Style
from studio.ordering.prompt_demands import PromptDemands

FEWEST_WHOLE = 8
"""Of fewer steps that are computed whole, what was drawn looks rough."""
WIDE = 4 / 3
"""Width over height of a picture with several people."""
SMALL_WINDOW = 8
"""Frames that are denoised together where the usual number does not fit the memory."""
Reason = tuple[str, str]
"""What was chosen, and why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as the rules see it; None for what nobody named."""

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
    """The settings so far and the reasons for what was chosen."""

    wish: Wish
    demands: PromptDemands
    model: ModelCard
    settings: dict[str, Any]
    window_fits: Fit = Fit.NOW
    """Whether some device's memory holds the frames that the model likes to see at once."""
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SettingRule:
    """When it applies, what it sets, and the reason that is told; both texts may name settings."""

    when: Callable[[Workflow], bool]
    sets: Callable[[Workflow], dict[str, Any]]
    what: str
    why: str


RULES: tuple[SettingRule, ...] = (
    SettingRule(
        lambda flow: bool(flow.wish.style and flow.wish.style.model == flow.model),
        lambda flow: {},
        "Model {model}",
        "The style {style} was made for it.",
    ),
    SettingRule(
        lambda flow: flow.wish.model is None and flow.wish.type == MediaType.VIDEO,
        lambda flow: {},
        "Model {model}",
        "It makes clips.",
    ),
    SettingRule(
        lambda flow: _free_size(flow) and flow.demands.subjects > 1 and _has_room(flow),
        lambda flow: {"height": _less_high(flow)},
        "{width}×{height}",
        "{subjects} people stand side by side better in a wide picture.",
    ),
    SettingRule(
        lambda flow: flow.wish.guidance is None and _style_wish(flow, "guidance") is not None,
        lambda flow: {"guidance": _style_wish(flow, "guidance")},
        "Guidance {guidance:g}",
        "The style {style} asks for it.",
    ),
    SettingRule(
        lambda flow: bool(_style_wish(flow, "scheduler")),
        lambda flow: {"scheduler": _style_wish(flow, "scheduler")},
        "Scheduler {scheduler}",
        "The style {style} asks for it.",
    ),
    SettingRule(
        lambda flow: flow.wish.steps is None and _style_wish(flow, "steps") is not None,
        lambda flow: {},
        "{steps} steps",
        "The style {style} is finished after {style_steps}; a {quality} takes its share of them.",
    ),
    SettingRule(
        lambda flow: bool(flow.wish.character and flow.wish.character.lora),
        lambda flow: {},
        "Weights of {character}",
        "The character brings a LoRA of its own.",
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.VIDEO and flow.window_fits == Fit.NEVER,
        lambda flow: {"context_frames": _small_window(flow)},
        "{context_frames} frames at once",
        "More of them do not fit the memory of any device.",
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.VIDEO and flow.window_fits == Fit.LATER,
        lambda flow: {"context_frames": _small_window(flow)},
        "{context_frames} frames at once",
        "No device has the memory for more of them free now.",
    ),
    SettingRule(
        lambda flow: flow.wish.type == MediaType.IMAGE and bool(flow.demands.motion),
        lambda flow: {},
        "A still picture",
        "The prompt speaks of motion (“{motion}”): a clip would show it.",
    ),
    SettingRule(
        lambda flow: flow.demands.tokens > flow.demands.limit,
        lambda flow: {},
        "The first {limit} tokens of the prompt",
        "It has {tokens}, and {model} reads no more: put what matters first.",
    ),
)


def choose(
    wish: Wish, prompt: str, model: ModelCard, settings: dict[str, Any], *, window_fits: Fit
) -> Workflow:
    """Apply every rule in order to the settings that the model likes."""
    flow = Workflow(wish, PromptDemands.of(prompt, model), model, dict(settings), window_fits)
    for rule in RULES:
        if rule.when(flow):
            flow.settings.update(rule.sets(flow))
            words = _words(flow)
            flow.reasons.append((rule.what.format(**words), rule.why.format(**words)))
    return flow


def warnings(spec: RenderSpec) -> list[Reason]:
    """What a finished spec should be told of: an acceleration that leaves few whole steps."""
    steps = spec.denoising_steps
    whole = ceil(steps / spec.acceleration)
    if spec.acceleration == 1 or whole >= FEWEST_WHOLE:
        return []
    said = f"Only {whole} of {steps} steps are computed whole: what is drawn will look rough."
    return [(f"Acceleration {spec.acceleration}", said)]


def _words(flow: Workflow) -> dict[str, Any]:
    style, character = flow.wish.style, flow.wish.character
    return {
        **flow.settings,
        "model": flow.model.name,
        "style": style.name if style else "",
        "style_steps": style.steps if style else "",
        "character": character.name if character else "",
        "quality": flow.wish.quality.value,
        "subjects": flow.demands.subjects,
        "motion": flow.demands.motion,
        "tokens": flow.demands.tokens,
        "limit": flow.demands.limit,
    }


def _style_wish(flow: Workflow, name: str) -> Any:
    return getattr(flow.wish.style, name) if flow.wish.style else None


def _free_size(flow: Workflow) -> bool:
    return flow.wish.width is None and flow.wish.height is None


def _small_window(flow: Workflow) -> int:
    return min(SMALL_WINDOW, flow.model.context_frames)


def _less_high(flow: Workflow) -> int:
    return int(flow.settings["width"] / WIDE) // SIZE_MULTIPLE * SIZE_MULTIPLE


def _has_room(flow: Workflow) -> bool:
    return flow.model.limits.min_size <= _less_high(flow) < int(flow.settings["height"])
