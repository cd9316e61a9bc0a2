"""What a prompt asks for, as far as the choice of model and settings goes by it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from generation.models import ModelCard

if TYPE_CHECKING:
    from tokenizers import Tokenizer

USUAL_TOKENS = 77
"""What CLIP reads of a text, for models that do not say."""
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
        tokenizer = (model.base or model).path / "tokenizer"
        return cls(
            max(named, spoken),
            moving.group(0) if moving else "",
            _tokens(tokenizer, text),
            _limit(tokenizer),
        )


@lru_cache(maxsize=8)
def _tokenizer(folder: Path) -> Tokenizer | None:
    # Here, so that commands that read no prompt do not load the library.
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    return Tokenizer.from_file(str(path)) if path.is_file() else None


def _tokens(folder: Path, text: str) -> int:
    """Tokens of a text with its two marks; of a model without the file its words and commas."""
    tokenizer = _tokenizer(folder)
    if tokenizer is None:
        return len(re.findall(r"\w+|[^\w\s]", text)) + 2
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return len(tokenizer.encode(text).ids)


@lru_cache(maxsize=8)
def _limit(folder: Path) -> int:
    """How many tokens the model reads."""
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text()).get("model_max_length") if path.is_file() else None
    return int(said) if said and said < 10_000 else USUAL_TOKENS
