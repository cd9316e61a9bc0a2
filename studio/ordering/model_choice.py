"""The model for a request that names none: the preferred one, unless it cannot do what is asked.

A model that the request names, or that its style was made for, is never replaced.
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
from studio.ordering import reasons, refusals
from studio.ordering.prompt_demands import PromptDemands
from studio.ordering.reasons import Choice
from studio.presentation.reasons import Reason

MEDIA_WORDS = {MediaType.IMAGE: "pictures", MediaType.VIDEO: "clips"}


@dataclass(frozen=True, slots=True)
class ModelRequirement:
    """What a model must be able to do for a prompt, and the reason given when it cannot."""

    met: Callable[[ModelCard, PromptDemands, PromptDemands], bool]
    """Called with the model, and the prompt's demands on it and on the preferred model."""
    reason: Choice


REQUIREMENTS: tuple[ModelRequirement, ...] = (
    ModelRequirement(
        lambda model, own, first: capacity.weights_fit(model) > Fit.NEVER,
        reasons.WEIGHTS_NOT_HELD,
    ),
    ModelRequirement(
        lambda model, own, first: capacity.weights_fit(model) == Fit.NOW,
        reasons.WEIGHTS_NOT_FREE,
    ),
    ModelRequirement(
        lambda model, own, first: own.subjects <= (model.max_subjects or own.subjects),
        reasons.MORE_SUBJECTS,
    ),
    ModelRequirement(
        # Without a tokenizer the number of tokens is a guess, so only a longer limit counts.
        lambda model, own, first: (
            own.tokens <= own.limit and (own == first or own.limit > first.limit)
        ),
        reasons.MORE_TOKENS,
    ),
)
"""The most important first. A requirement that no model meets is ignored."""


def choose_model(
    named: ModelCard | None, style: Style | None, media_type: str, prompt: str, *, free: bool
) -> tuple[ModelCard, list[Reason]]:
    """The model, and the reasons if it is not the preferred one.

    `free` is true when the request names no size, length or weights that another model might not
    take. Raises SpecError for `type` or `model` when no model makes the medium.
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
    passed = []
    for need in REQUIREMENTS:
        met = [card for card in able if need.met(card, PromptDemands.of(prompt, card), first)]
        if met and met[0] != able[0]:
            passed.append((need, able[0]))
        able = met or able
    return able[0], [_reason(need, model, prompt, able[0]) for need, model in passed]


def _given(named: ModelCard | None, style: Style | None, media_type: str) -> ModelCard | None:
    """The model that the request names, else the style's.

    For a clip, a model for pictures is replaced by the motion adapter that animates it.
    """
    wished = style.model if style else None
    model = named or (wished if wished and wished.is_active else None)
    if model is not None and media_type not in model.types:
        return ModelCard.objects.animating(model) or named
    return model


def _reason(need: ModelRequirement, passed: ModelCard, prompt: str, model: ModelCard) -> Reason:
    demands = PromptDemands.of(prompt, passed)
    return need.reason.because(
        model=model.name,
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
