"""Prompt languages of other programs, which Genga renders as plain text.

People paste prompts from there. A table says how each piece of syntax looks and what is told of it.
It is recognised conservatively: names of tags such as `rem_(re:zero)` must not be taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.text import Truncator

from studio.ordering import reasons
from studio.ordering.reasons import Choice
from studio.presentation.reasons import Reason

SHOWN_CHARACTERS = 40
"""Of a piece of syntax, in the sentence about it."""

_LETTER = r"[^\W\d_]"
# "(word:1.2)" and "(word:1)", but neither a tag "name_(word:1)" nor a ratio "(16:9)".
_WEIGHT = rf"(?<![_\\])\((?=[^()]*{_LETTER})[^()]+(?::\s*-?\d*\.\d+|(?<!\d):\s*-?\d)\s*\)"

SYNTAX: tuple[tuple[Choice, re.Pattern[str]], ...] = tuple(
    (choice, re.compile(pattern))
    for choice, pattern in (
        # Stable Diffusion web UI and ComfyUI; NovelAI; InvokeAI.
        (reasons.WEIGHT_UNREAD, _WEIGHT),
        (reasons.WEIGHT_UNREAD, rf"(?<![\w.:])-?\d+(?:\.\d+)?::[^:]*{_LETTER}[^:]*(?:::)?"),
        (reasons.WEIGHT_UNREAD, rf"(?<!_)\((?=[^()]*{_LETTER})[^()]+\)(?:\++|\d\.\d+)"),
        (reasons.PARENTHESES_UNREAD, rf"\(\((?=[^():]*{_LETTER})[^():]+\)\)"),
        (reasons.BRACKETS_UNREAD, rf"(?<!\\)\[(?=[^\[\]]*{_LETTER})[^\[\]]+\]"),
        (reasons.ESCAPES_UNREAD, r"\w*\\[()\[\]]\w*"),
        (reasons.LORA_UNREAD, r"(?i)<(?:lora|lyco):[^<>]*>"),
        (reasons.EMBEDDING_UNREAD, r"(?i)<(?:embed|embedding|hypernet):[^<>]*>"),
        (reasons.EMBEDDING_UNREAD, r"(?i)\bembedding:[\w./-]+"),
        (reasons.WILDCARD_UNREAD, r"\{[^{}]*\|[^{}]*\}"),
        (reasons.WILDCARD_UNREAD, r"(?<!\w)__[A-Za-z0-9](?:[\w/*-]*[\w/*-])?__(?!\w)"),
        (reasons.WILDCARD_UNREAD, r"(?i)<(?:random|wildcard):[^<>]*>"),
        (reasons.BRACES_UNREAD, rf"\{{(?=[^{{}}|]*{_LETTER})[^{{}}|]+\}}"),
        (reasons.BREAK_UNREAD, r"(?<!\w)BREAK(?!\w)"),
        (reasons.AND_UNREAD, r"(?<=\s)AND(?=\s)"),
        (
            reasons.OPTIONS_UNREAD,
            r"(?<!\S)--(?:ar|chaos|cref|iw|niji|no|seed|sref|style|stylize|tile|v)\b",
        ),
    )
)
"""What is told, and how it is recognised."""

_SHOUTED = (reasons.BREAK_UNREAD, reasons.AND_UNREAD)
"""Words in a text of capitals, which say nothing there."""


def foreign_syntax(texts: Iterable[str]) -> list[Reason]:
    """One reason for each kind of syntax in the texts, which names its first occurrence."""
    found: dict[str, tuple[Choice, list[str]]] = {}
    for text in texts:
        for choice, pattern in SYNTAX:
            if choice in _SHOUTED and text.isupper():
                continue
            pieces = [one.group(0).strip() for one in pattern.finditer(text)]
            if pieces:
                found.setdefault(choice.code, (choice, []))[1].extend(pieces)
    return [choice.because(found=_named(pieces)) for choice, pieces in found.values()]


def _named(pieces: list[str]) -> str:
    first = f"“{Truncator(pieces[0]).chars(SHOWN_CHARACTERS)}”"
    others = len(set(pieces)) - 1
    return f"{first} and {others} more" if others else first
