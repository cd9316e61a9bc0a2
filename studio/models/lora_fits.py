"""How much of an uploaded LoRA fits each model of the library, and how that is kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from safetensors import SafetensorError

from generation.models import ModelCard
from generation.pipelines.lora_files import LoraFit, LoraWeights, lora_targets
from generation.sentences import Said
from studio.models import refusals
from studio.models.refusals import invalid

logger = logging.getLogger(__name__)

NAMED = 3
"""Models whose numbers a refusal names."""


def facts_of(lora: LoraWeights) -> dict[str, Any]:
    """What a character keeps of its LoRA, as JSON. Raises ValidationError if it fits no model."""
    fits = {card: lora.fit(targets) for card, targets in _targets()}
    if not fits:
        raise invalid(refusals.NO_MODEL_FOR_LORA)
    if not any(fit.applies for fit in fits.values()):
        raise _fits_none(lora, fits)
    return {
        "naming": lora.naming,
        "algorithm": lora.algorithm,
        "rank": lora.rank,
        "made_for": lora.made_for,
        "models": [
            {"slug": card.slug, "name": card.name, **asdict(fit)} for card, fit in fits.items()
        ],
    }


def _fits_none(lora: LoraWeights, fits: Mapping[ModelCard, LoraFit]) -> ValidationError:
    best = sorted(fits, key=lambda card: -fits[card].fits)[:NAMED]
    numbers = [f"{card.name} {fits[card].fits} of {len(lora.modules)} modules" for card in best]
    found = ", ".join(numbers)
    if lora.made_for:
        return invalid(refusals.LORA_MADE_FOR_OTHERS, made_for=lora.made_for, found=found)
    return invalid(refusals.LORA_FITS_NO_MODEL, found=found)


def said_of(facts: Mapping[str, Any]) -> list[Said]:
    """The kept facts in sentences, one for each model."""
    return [_fit(row).said(row["name"], facts["rank"]) for row in facts.get("models", ())]


def fit_for(facts: Mapping[str, Any], card: ModelCard) -> LoraFit | None:
    """How much fits a model, or the base of a motion adapter; None if nobody has looked."""
    slug = (card.base or card).slug
    rows: Iterable[dict[str, Any]] = facts.get("models", ())
    return next((_fit(row) for row in rows if row["slug"] == slug), None)


def fitting_models(facts: Mapping[str, Any]) -> list[str]:
    """The slugs of the models that it fits."""
    return [row["slug"] for row in facts.get("models", ()) if _fit(row).applies]


def _fit(row: Mapping[str, Any]) -> LoraFit:
    return LoraFit(row["modules"], row["fits"], row["misshapen"])


def _targets() -> Iterator[tuple[ModelCard, dict[str, Any]]]:
    """The registered models that take LoRAs, with their modules. Adapters are like their base."""
    for card in ModelCard.objects.filter(base=None):
        if not card.limits.lora:
            continue
        try:
            yield card, lora_targets(card.files)
        except (OSError, ValueError, SafetensorError):
            logger.warning("%s cannot be read, so no LoRA was held against it", card, exc_info=True)
