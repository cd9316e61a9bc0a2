"""Sentences for people, each with a code for programs and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template for `str.format`, and the code that names it."""

    code: str
    template: str

    def say(self, **values: Any) -> str:
        """The sentence with its values. Raises KeyError for a value that is missing."""
        return self.template.format(**values)

    def said(self, **values: Any) -> Said:
        """The sentence together with its values, for callers that also need the code."""
        return Said(self, values)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence and the values that it is shown with."""

    sentence: Sentence
    values: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The sentence's code."""
        return self.sentence.code

    @property
    def text(self) -> str:
        """The sentence in words. Raises KeyError for a value that is missing."""
        return self.sentence.say(**self.values)


def catalogue(module: Any) -> dict[str, Sentence]:
    """Every sentence of a module by its code. Raises ValueError for a code that is used twice."""
    found: dict[str, Sentence] = {}
    for one in vars(module).values():
        if isinstance(one, Sentence) and found.setdefault(one.code, one) is not one:
            raise ValueError(f"two sentences have the code {one.code}")
    return found
