"""The word loss: it keeps the text encoder's states of different words apart.

Trained through the denoiser alone, the text encoder learns the words of large things, hair and
backgrounds, and lets all others fall onto one vector; from there no gradient brings the eyes or a
ribbon back. So each attribute has a word in the caption that carries it, and the state of that
word must point to a fixed code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from generation.demo.portraits import (
    ACCESSORIES,
    BACKGROUNDS,
    EXPRESSIONS,
    EYE_COLOURS,
    HAIR_COLOURS,
    HAIR_STYLES,
    PICTURE_STYLES,
    Portrait,
)

# Attributes whose word says nothing alone: "hair" must take up the colour from the word before it.
CARRIERS = {
    "hair": tuple(HAIR_COLOURS),
    "eyes": tuple(EYE_COLOURS),
    "background": tuple(BACKGROUNDS),
}
# Words that are an attribute by themselves; of two, the last one carries it.
SPEAKING = (*EXPRESSIONS, *ACCESSORIES[1:], *HAIR_STYLES, *PICTURE_STYLES[1:])


class WordLoss(nn.Module):
    """Cross entropy of the carrying words' states against fixed, orthogonal codes."""

    codes: Tensor

    def __init__(self, tokenizer: CLIPTokenizer, width: int, seed: int = 0) -> None:
        super().__init__()
        self.names = [f"{word} {name}" for name, words in CARRIERS.items() for word in words]
        self.names += SPEAKING
        self.places = {name: place for place, name in enumerate(self.names)}
        self.carriers = {name: _last_token(tokenizer, name) for name in CARRIERS}
        self.speaking = {word: _last_token(tokenizer, word) for word in SPEAKING}
        source = torch.Generator().manual_seed(seed)
        square = torch.randn(width, width, generator=source)
        self.register_buffer("codes", torch.linalg.qr(square).Q[: len(self.names)].contiguous())

    def forward(self, states: Tensor, tokens: Tensor, portraits: Sequence[Portrait]) -> Tensor:
        """The loss of text states (n, length, width) of tokens (n, length); 0 without carriers."""
        found, wanted = self.carried(tokens, portraits)
        if not len(wanted):
            return states.sum() * 0.0
        scores = states.float()[found] @ self.codes.T
        return functional.cross_entropy(scores, wanted.to(scores.device))

    def carried(self, tokens: Tensor, portraits: Sequence[Portrait]) -> tuple[Tensor, Tensor]:
        """Which tokens carry an attribute (n, length), and the place of each one's code."""
        places = torch.full_like(tokens, -1)
        for name, token in self.carriers.items():
            codes = [self.places[f"{getattr(portrait, name)} {name}"] for portrait in portraits]
            column = torch.tensor(codes, device=tokens.device)[:, None].expand_as(tokens)
            places = torch.where(tokens == token, column, places)
        for word, token in self.speaking.items():
            places = places.masked_fill(tokens == token, self.places[word])
        found = places >= 0
        return found, places[found]


def _last_token(tokenizer: CLIPTokenizer, words: str) -> int:
    return int(tokenizer(words).input_ids[-2])
