"""What a prompt asks for, as far as the choice of model and settings goes by it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generation.models import ModelCard
from generation.pipelines import tokenizing

NUMBERS = {"two": 2, "three": 3, "four": 4, "both": 2, "couple": 2, "group": 4, "crowd": 6}
_TAGS = re.compile(r"\b(\d+)\s*\+?\s*(?:girl|boy|person|people|character|woman|women|man|men)s?\b")
_WORDS = re.compile(rf"\b({'|'.join(NUMBERS)})\b")
_MOTION = re.compile(
    r"\b(runs?|running|walks?|walking|jumps?|jumping|danc\w+|turns?|turning|fl(?:y|ies|ying)|"
    r"fight\w*|spins?|spinning|wav(?:es|ing)|talks?|talking|camera (?:pans?|moves?))\b"
)


@dataclass(frozen=True, slots=True)
class PromptDemands:
    """What a prompt asks of a model: people in the picture, words of motion, tokens of the text.

    `tokens` and `limit` are the model's own: how long the text is for it, and what it reads.
    """

    subjects: int
    motion: str
    tokens: int
    limit: int

    @classmethod
    def of(cls, prompt: str, model: ModelCard) -> PromptDemands:
        """Read from the whole prompt, the words of character and style among it."""
        text = prompt.lower()
        named = sum(int(number) for number in _TAGS.findall(text))
        spoken = max((NUMBERS[word] for word in _WORDS.findall(text)), default=0)
        moving = _MOTION.search(text)
        reading = tokenizing.read((model.base or model).path, prompt)
        return cls(
            max(named, spoken),
            moving.group(0) if moving else "",
            reading.tokens,
            reading.limit,
        )
