"""Names that people give to things, and the addresses (slugs) that are made of them.

Names are compared as people read them: by `name_key`. An address is made of the name in its own
script; where that leaves nothing, or another thing has the address, it gets a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, count
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.text import slugify

NAME_LENGTH = 100
SLUG_LENGTH = 50

_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
"""Soft hyphen, zero-width and direction marks, variation selectors."""

Thing = TypeVar("Thing", bound=Model)


def name_key(name: str) -> str:
    """What two names have in common that are the same to a reader; empty for an invisible name.

    NFKC, letters without case, white space collapsed, invisible characters dropped.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", folded))
    return " ".join(visible.split())


def plain_slug(name: str) -> str:
    """The address that a name asks for, in its own script; empty for a name without letters."""
    return slugify(name, allow_unicode=True)[:SLUG_LENGTH].rstrip("-_")


def normal_slug(slug: str) -> str:
    """An address as it is stored: browsers and keyboards compose characters differently."""
    return unicodedata.normalize("NFKC", slug)


def is_reserved(model: type[Model], slug: str) -> bool:
    """True for addresses of things that the studio makes itself (`RESERVED_SLUGS`)."""
    reserved: re.Pattern[str] | None = getattr(model, "RESERVED_SLUGS", None)
    return reserved is not None and reserved.fullmatch(slug) is not None


def free_slug(name: str, others: QuerySet[Any], reserved: Iterable[str] = ()) -> str:
    """The address of a new thing: the name's, with a number where one of `others` has that.

    Addresses of `reserved` are taken too.
    """
    plain = plain_slug(name)
    stem = plain or str(others.model._meta.model_name)
    taken = {*reserved, *others.values_list("slug", flat=True)}
    numbers = (f"-{number}" for number in count(2 if plain else 1))
    endings = chain([""] if plain else [], numbers)
    slugs = (_shortened(stem, ending, SLUG_LENGTH) for ending in endings)
    return next(slug for slug in slugs if slug not in taken and not is_reserved(others.model, slug))


def free_copy_name(name: str, others: Iterable[str]) -> str:
    """The name of a copy that none of `others` is: "Ink (copy)", else "Ink (copy 2)"."""
    taken = {name_key(other) for other in others}
    endings = chain([" (copy)"], (f" (copy {number})" for number in count(2)))
    names = (_shortened(name, ending, NAME_LENGTH) for ending in endings)
    return next(copied for copied in names if name_key(copied) not in taken)


def _shortened(text: str, ending: str, length: int) -> str:
    return text[: length - len(ending)] + ending


def of_slug(things: QuerySet[Thing], slug: str) -> Thing | None:
    """The thing at an address."""
    return things.filter(slug__in={slug, normal_slug(slug)}).first()


def of_name(things: QuerySet[Thing], name: str) -> list[Thing]:
    """The things of a name. Reads the names of all of `things`: a project's, not the world's."""
    key = name_key(name)
    same = [pk for pk, other in things.values_list("pk", "name") if key and name_key(other) == key]
    return list(things.filter(pk__in=same)) if same else []
