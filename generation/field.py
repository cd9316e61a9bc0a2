"""The declaration of a job's setting: its values, its texts for people, and what it influences.

A spec class declares each of its settings once, with `setting`. The API's schema, the pages' form,
the validation of a spec, the shape that estimates use and the table in docs/api.md are derived from
these declarations. This module imports only the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generation import refusals
from generation.errors import SpecError

MAX_PROMPT_LENGTH = 2000


class MediaType(StrEnum):
    """The media that a job makes."""

    IMAGE = "image"
    VIDEO = "video"


ALWAYS: Any = object()
"""The value of `usual` for a setting without a usual value, which is always stored."""

BOTH = frozenset(MediaType)
CLIPS = frozenset({MediaType.VIDEO})


@dataclass(frozen=True, slots=True)
class Text:
    """A text with limits for its number of characters."""

    shortest: int = 0
    longest: int = MAX_PROMPT_LENGTH

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return f"{self.shortest} to {self.longest} characters"

    def check(self, name: str, value: str) -> None:
        """Raise SpecError for the field `name` when the text is not allowed."""
        if "\x00" in value:
            raise SpecError(name, refusals.NUL_CHARACTER, "any other text")
        if not value.strip() and self.shortest:
            raise SpecError(name, refusals.TEXT_EMPTY, self.allowed)
        if not self.shortest <= len(value.strip()) or len(value) > self.longest:
            raise SpecError(name, refusals.TEXT_TOO_LONG, self.allowed, count=len(value))


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits; `whole` numbers may have to be multiples of `step`.

    `above` excludes the lower limit itself.
    """

    low: float
    high: float
    whole: bool = False
    step: int = 1
    above: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if self.step > 1:
            return f"multiples of {self.step} from {_plain(self.low)} to {_plain(self.high)}"
        if self.above:
            return f"more than {_plain(self.low)}, up to {_plain(self.high)}"
        return f"{_plain(self.low)} to {_plain(self.high)}"

    def check(self, name: str, value: float) -> None:
        """Raise SpecError for the field `name` when the number is outside the limits."""
        # NaN fails this form of the comparison.
        if not self.low <= value <= self.high or (self.above and value == self.low):
            raise SpecError(name, refusals.OUT_OF_RANGE, self.allowed, value=value)
        if self.step > 1 and value % self.step:
            raise SpecError(name, refusals.OUT_OF_RANGE, self.allowed, value=value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values, each with the label that a form shows.

    `synonyms` are other words for the same values; `several` allows more than one value.
    """

    labels: Mapping[Any, str]
    synonyms: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    several: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """The values without their synonyms."""
        return tuple(self.labels)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return one_of(self.values)

    def check(self, name: str, value: Any) -> None:
        """Raise SpecError for the field `name` when a value is not offered."""
        for one in value if self.several else (value,):
            if one not in self.labels:
                raise SpecError(name, refusals.NOT_OFFERED, self.allowed, value=one)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    allowed: str = "true or false"

    def check(self, name: str, value: bool) -> None:
        """Accept every flag."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object that is named by its slug, or by its id with `by_id`."""

    thing: str
    by_id: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        return f"the {'id' if self.by_id else 'slug'} of {self.thing}"

    def check(self, name: str, value: Any) -> None:
        """Accept every name: the code that looks the object up refuses unknown names."""


Kind = Text | Number | Choice | Flag | Named


@dataclass(frozen=True, slots=True)
class Field:
    """A setting.

    Attributes:
        name: Name of the spec class's field.
        kind: The allowed values; None where they are not checked.
        label: Its label on a page.
        meaning: Its meaning in the documentation and the API's schema.
        unnamed: What is used when the request does not name it, in words.
        default: The value that is used then; None when the value is chosen.
        media: The media types of jobs that have it.
        asked: False for settings that only the system sets.
        required: Whether a request must name it.
        shape: The property of the spec by which it influences how long a job takes; empty when it
            does not.
        usual: The value that stored JSON leaves out, so that older specs keep their hashes.
    """

    name: str
    kind: Kind | None
    label: str = ""
    meaning: str = ""
    unnamed: str = ""
    default: Any = None
    media: frozenset[MediaType] = BOTH
    asked: bool = True
    required: bool = False
    shape: str = ""
    usual: Any = ALWAYS


def setting(
    kind: Kind | None = None, *, value: Any = dataclasses.MISSING, **attributes: Any
) -> Any:
    """Declare a field of a spec class; `value` is its default, `attributes` are those of Field."""
    return dataclasses.field(default=value, metadata={"field": {"kind": kind, **attributes}})


def fields_of(spec_class: type) -> dict[str, Field]:
    """The declared fields of a spec class by name, in the order of their declaration."""
    return {
        one.name: Field(name=one.name, **one.metadata["field"])
        for one in dataclasses.fields(spec_class)
        if "field" in one.metadata
    }


def _plain(number: float) -> str:
    """A number without a superfluous fraction: 30, 0.05."""
    return str(int(number)) if number == int(number) else str(number)


def one_of(values: tuple[Any, ...]) -> str:
    """Alternatives in words: "1, 2 or 4"."""
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last
