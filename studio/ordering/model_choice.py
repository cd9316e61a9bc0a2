"""Which model a request gets that names none: the preferred one, unless it cannot do what is asked.

A model that a person names, or that a style was made for, is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generation.errors import SpecError
from generation.field import MediaType
from generation.models import ModelCard
from generation.scheduling import capacity
from generation.scheduling.capacity import Fit
from studio.models import Style
from studio.ordering import refusals
from studio.ordering.prompt_demands import PromptDemands
from studio.ordering.workflow import Reason

MEDIA_WORDS = {MediaType.IMAGE: "pictures", MediaType.VIDEO: "clips"}


@dataclass(frozen=True, slots=True)
class ModelRequirement:
    """What a model must be able to do for a prompt, and why one that cannot is passed over."""

    met: Callable[[ModelCard, PromptDemands, PromptDemands], bool]
    """Asked with what the prompt demands of the model itself, and of the preferred one."""
    why: str


REQUIREMENTS: tuple[ModelRequirement, ...] = (
    ModelRequirement(
        lambda model, own, first: capacity.weights_fit(model) > Fit.NEVER,
        "No device may load {passed}, or has the memory for its weights.",
    ),
    ModelRequirement(
        lambda model, own, first: capacity.weights_fit(model) == Fit.NOW,
        "No device has the memory for the weights of {passed} free now.",
    ),
    ModelRequirement(
        lambda model, own, first: own.subjects <= (model.max_subjects or own.subjects),
        "The prompt speaks of {subjects} people, and {passed} draws {most} well.",
    ),
    ModelRequirement(
        # Where a model brings no tokenizer its tokens are a guess: only a longer limit counts.
        lambda model, own, first: (
            own.tokens <= own.limit and (own == first or own.limit > first.limit)
        ),
        "The prompt has {tokens} tokens, and {passed} reads {limit} of them.",
    ),
)
"""The most important first: where no model meets one, it does not count."""


def choose_model(
    named: ModelCard | None, style: Style | None, media_type: str, prompt: str, *, free: bool
) -> tuple[ModelCard, list[Reason]]:
    """The model, and why it is not the preferred one, where it is not.

    `free` when nobody named a size, a length or weights that another model may not take. Raises
    SpecError naming `type` or `model` when nothing makes such a medium.
    """
    given = _given(named, style, media_type)
    if given is not None:
        return given, []
    able = ModelCard.objects.making(media_type)
    if not able:
        raise _no_model(media_type)
    if not free or len(able) == 1:
        return able[0], []
    first = PromptDemands.of(prompt, able[0])
    whys = []
    for need in REQUIREMENTS:
        met = [card for card in able if need.met(card, PromptDemands.of(prompt, card), first)]
        if met and met[0] != able[0]:
            whys.append(_why(need, able[0], prompt))
        able = met or able
    return able[0], [(f"Model {able[0].name}", why) for why in whys]


def _given(named: ModelCard | None, style: Style | None, media_type: str) -> ModelCard | None:
    """The model asked for, else the style's.

    A model for pictures that a motion adapter animates stands for that adapter in a clip.
    """
    wished = style.model if style else None
    model = named or (wished if wished and wished.is_active else None)
    if model is not None and media_type not in model.types:
        return ModelCard.objects.animating(model) or named
    return model


def _why(need: ModelRequirement, passed: ModelCard, prompt: str) -> str:
    demands = PromptDemands.of(prompt, passed)
    return need.why.format(
        passed=passed.name,
        most=passed.max_subjects,
        subjects=demands.subjects,
        tokens=demands.tokens,
        limit=demands.limit,
    )


def _no_model(media_type: str) -> SpecError:
    made = sorted({made for card in ModelCard.objects.active() for made in card.types})
    if made:
        return SpecError(
            "type",
            refusals.NO_MODEL_FOR_TYPE,
            " or ".join(made),
            media=MEDIA_WORDS[MediaType(media_type)],
        )
    return SpecError("model", refusals.NO_MODEL, "manage.py register_model")
