"""The word loss: it keeps the text encoder's states of different words apart.

If the text encoder is trained by the denoiser's loss alone, it learns the words of large things
(hair, backgrounds) and maps all other words to one vector, from which no gradient separates them
again. Therefore each attribute has a carrier word in the caption, and the state of that word is
trained to match the attribute's fixed code.
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

# Carrier words whose state must include the word before them: "hair" must hold the colour.
CARRIERS = {
    "hair": tuple(HAIR_COLOURS),
    "eyes": tuple(EYE_COLOURS),
    "background": tuple(BACKGROUNDS),
}
# Attributes that are their own carrier; of two words, the last one.
SPEAKING = (*EXPRESSIONS, *ACCESSORIES[1:], *HAIR_STYLES, *PICTURE_STYLES[1:])


class WordLoss(nn.Module):
    """Cross entropy of the carrier words' states against fixed, orthogonal codes."""

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
        """Mask (n, length) of the carrier tokens, and the index of each one's code."""
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
