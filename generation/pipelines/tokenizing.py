"""How a model's tokenizer reads a text: its tokens, what is cut off, and how much of it is words.

The web process asks for every request, so this module imports neither torch nor transformers.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

USUAL_LIMIT = 77
"""What CLIP reads of a text, for models that do not say."""
FEWEST_KNOWN = 0.25
"""Below this share the model knows almost none of a text's words."""

_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json")
_START, _END = "<|startoftext|>", "<|endoftext|>"
_CLIP_WORDS = (
    rf"{re.escape(_START)}|{re.escape(_END)}|'s|'t|'re|'ve|'m|'ll|'d"
    r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_GUESSED_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a model reads it.

    Attributes:
        tokens: Its tokens, with those that mark its start and end.
        limit: How many of them the model reads.
        cut: The end of the text that is not read; empty when all of it is.
        known: The share, from 0 to 1, of its letters and emoji that the tokenizer reads as words or
            parts of words, not one by one or byte by byte. None for a text without any, and when
            the tokenizer could not be read.
    """

    tokens: int
    limit: int
    cut: str = ""
    known: float | None = None

    @property
    def is_strange(self) -> bool:
        """Whether the model knows almost none of the words."""
        return self.known is not None and self.known < FEWEST_KNOWN


def read(model: Path, text: str) -> Reading:
    """Read a text with the tokenizer in a model's folder.

    For a model without one, which cannot be rendered with, words and punctuation marks are counted.
    """
    folder = model / "tokenizer"
    files = (*(folder / name for name in _FILES), model / "text_encoder" / "config.json")
    # A file that was changed on the disk is read again.
    return _read(folder, text, tuple(_changed_at(path) for path in files))


@lru_cache(maxsize=256)
def _read(folder: Path, text: str, changed_at: tuple[int, ...]) -> Reading:
    tokenizer, limit = _tokenizer(folder, changed_at), _limit(folder)
    if tokenizer is None:
        spans = [found.span() for found in _GUESSED_TOKEN.finditer(text)]
        return Reading(len(spans) + 2, limit, _cut(text, spans, limit - 2))
    encoding = tokenizer.encode(text)
    marks = encoding.special_tokens_mask
    spans = [span for span, mark in zip(encoding.offsets, marks, strict=True) if not mark]
    unknown = {"<unk>", "[UNK]", getattr(tokenizer.model, "unk_token", None)}
    return Reading(
        len(encoding.ids),
        limit,
        _cut(text, spans, limit - sum(marks)),
        _known_share(text, encoding, unknown),
    )


def _cut(text: str, spans: Sequence[tuple[int, int]], most: int) -> str:
    """The text from the first token that is not read; `spans` are places of tokens in the text."""
    return text[spans[most][0] :].strip() if len(spans) > most else ""


def _known_share(text: str, encoding: Encoding, unknown: Collection[str | None]) -> float | None:
    """See Reading. A character of several tokens is one that the tokenizer spells in bytes."""
    tokens_of_word = Counter(encoding.word_ids)
    tokens_of_character = Counter(
        place for start, end in encoding.offsets for place in range(start, end)
    )
    whole: set[int] = set()
    for token, (start, end), word in zip(
        encoding.tokens, encoding.offsets, encoding.word_ids, strict=True
    ):
        if token in unknown or _BYTE.fullmatch(token):
            continue
        # An emoji says something alone; a letter only where it is a word.
        if end - start > 1 or tokens_of_word[word] == 1 or _is_symbol(text[start:end]):
            whole.update(range(start, end))
    counted = [place for place, one in enumerate(text) if one.isalpha() or _is_symbol(one)]
    known = sum(place in whole and tokens_of_character[place] == 1 for place in counted)
    return known / len(counted) if counted else None


def _is_symbol(character: str) -> bool:
    return len(character) == 1 and unicodedata.category(character) == "So"


def _changed_at(path: Path) -> int:
    """The time of a file's last change in nanoseconds; 0 for a file that is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _limit(folder: Path) -> int:
    """How many tokens the model reads: what its tokenizer says, else the places of its encoder."""
    places = (
        (folder / "tokenizer_config.json", "model_max_length"),
        (folder.parent / "text_encoder" / "config.json", "max_position_embeddings"),
    )
    for path, name in places:
        said = _json(path).get(name)
        # A tokenizer without a limit of its own says a number of thirty digits.
        if isinstance(said, int | float) and 2 < said < 10_000:
            return int(said)
    return USUAL_LIMIT


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=8)
def _tokenizer(folder: Path, changed_at: tuple[int, ...]) -> Tokenizer | None:
    """The tokenizer of a folder in either layout; None when there is none that can be read."""
    # Here, so that commands that read no prompt do not load the library.
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            tokenizer = _clip(folder)
        else:
            return None
    except Exception:
        # The library raises plain Exceptions for damaged files. Loading the model says what is
        # wrong with them.
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _clip(folder: Path) -> Tokenizer:
    """CLIP's byte pair encoding from a vocabulary and its merges, as transformers builds it."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary, merges = str(folder / "vocab.json"), str(folder / "merges.txt")
    tokenizer = Tokenizer(
        models.BPE.from_file(
            vocabulary,
            merges,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            unk_token=_END,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    numbers = tokenizer.get_vocab()
    tokenizer.post_processor = processors.RobertaProcessing(
        (_END, numbers[_END]),
        (_START, numbers[_START]),
        trim_offsets=False,
        add_prefix_space=False,
    )
    tokenizer.add_special_tokens([_START, _END])
    return tokenizer
