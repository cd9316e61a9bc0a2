"""What to expect of a spec's texts: what the model does not read, and what it does not know."""

from __future__ import annotations

from django.utils.text import Truncator

from generation.models import ModelCard
from generation.pipelines import tokenizing
from generation.specs import RenderSpec
from studio.ordering import reasons
from studio.ordering.foreign_syntax import foreign_syntax
from studio.ordering.reasons import Choice
from studio.presentation.reasons import Reason

SHOWN_CHARACTERS = 120
"""Of a text that is not read."""


def prompt_reasons(spec: RenderSpec, model: ModelCard) -> list[Reason]:
    """Reasons that tell how the model reads the prompt and the negative prompt, composed as they
    are with the words of character and style; none for a spec that draws nothing.
    """
    if not spec.draws:
        return []
    told = _reading(spec.prompt, model, reasons.PROMPT_CUT, reasons.PROMPT_STRANGE)
    if not spec.negative_prompt:
        return [*told, *foreign_syntax([spec.prompt])]
    if not spec.guided:
        unread = reasons.NEGATIVE_PROMPT_UNREAD.because(guidance=spec.guidance)
        return [*told, unread, *foreign_syntax([spec.prompt])]
    cut, strange = reasons.NEGATIVE_PROMPT_CUT, reasons.NEGATIVE_PROMPT_STRANGE
    told += _reading(spec.negative_prompt, model, cut, strange)
    return [*told, *foreign_syntax([spec.prompt, spec.negative_prompt])]


def _reading(text: str, model: ModelCard, cut: Choice, strange: Choice) -> list[Reason]:
    reading = tokenizing.read((model.base or model).path, text)
    told = []
    if reading.cut:
        told.append(
            cut.because(
                model=model.name,
                tokens=reading.tokens,
                limit=reading.limit,
                cut=Truncator(reading.cut).chars(SHOWN_CHARACTERS),
            )
        )
    if reading.is_strange:
        percent = round(100 * (reading.known or 0))
        told.append(strange.because(model=model.name, percent=percent))
    return told
