"""The demo model's tokenizer: a CLIPTokenizer in which every word of the captions is one token.

Any other text can be encoded too, if necessary byte by byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

MAX_TOKENS: Final = 32
START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
WORD_END: Final = "</w>"

# The words of the captions in ``portraits``, and words that the model may learn later. Trained
# weights depend on the token ids: after a change of the vocabulary the model must be trained anew.
WORDS: Final = (
    "1 a an the of with and in on , girl boy hair eyes background long short bob twin tails "
    "ponytail black brown blonde red pink blue green purple silver orange golden smiling laughing "
    "neutral sad surprised winking sky sunset night forest white glasses ribbon hat portrait anime "
    "toon style ink pastel flat lineart mouth open closed looking at viewer left right close up "
    "school uniform hoodie dress armor smile face character film noir watercolor sepia blinking "
    "talking turning head nodding wind blowing camera zoom"
)
VOCABULARY: Final = tuple(WORDS.split())


def build_tokenizer() -> CLIPTokenizer:
    """Build the tokenizer from the vocabulary; the result is the same on every run."""
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = _byte_pairs(VOCABULARY)
    # Every byte has a token, inside a word and at its end, so that any text can be encoded.
    tokens = [START, END, *bytes_, *(byte + WORD_END for byte in bytes_)]
    tokens += [left + right for left, right in merges]
    numbers = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=numbers, merges=merges, model_max_length=MAX_TOKENS)


def _byte_pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """Byte pair encoding: merge the most frequent pair until every word is one piece."""
    pieces = [[*word[:-1], word[-1] + WORD_END] for word in sorted(set(words))]
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for word in pieces for pair in pairwise(word))
        if not pairs:
            return merges
        # Ties are broken alphabetically, so that the order is fixed.
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        pieces = [_merged(word, best) for word in pieces]


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for piece in word:
        # A piece that was just merged is longer than the left half, so it cannot match again.
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
