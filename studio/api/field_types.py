"""The types of the API's fields, made from the declarations of a request's fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from generation.field import Choice, Flag, Named, Number, Text
from generation.field import Field as Declared
from studio.models.names import NAME_LENGTH

NAMED: dict[str, Any] = {
    "min_length": 1,
    "max_length": NAME_LENGTH,
    "pattern": r"^[^\x00-\x1f\x7f]+$",
}
"""A slug or a name, in any script.

What a database cannot hold (a NUL, for PostgreSQL) is refused before anything is looked up.
"""


def schema_of(name: str, base: type[Any], fields: Iterable[Declared], told: str) -> type[Any]:
    """A schema with these fields, configured like `base`; `told` describes it."""
    declared: dict[str, Any] = {field.name: (annotation(field), default(field)) for field in fields}
    schema: type[Any] = create_model(name, __base__=base, __doc__=told, **declared)
    return schema


def default(field: Declared) -> Any:
    """A field's default in the schema: ... when it is required."""
    if field.required:
        return ...
    if isinstance(field.kind, Choice) and field.kind.several:
        return list(field.default)
    return getattr(field.default, "word", field.default)


def annotation(field: Declared) -> Any:
    """The type of a field with its limits, and None where the field has no default."""
    kind: Any = _type(field.kind)
    described: Any = Annotated[kind, Field(description=field.meaning)]
    return described if field.required or field.default is not None else described | None


def _type(kind: Any) -> Any:
    match kind:
        case Text(shortest, longest):
            return Annotated[str, Field(min_length=shortest or None, max_length=longest)]
        case Number():
            return _number(kind)
        case Choice(several=True):
            one: Any = Literal[kind.values]
            return Annotated[list[one], Field(max_length=len(kind.values))]
        case Choice() if all(isinstance(value, int) for value in kind.values):
            return Annotated[int, *_whole_choice(kind)]
        case Choice():
            return Literal[(*kind.values, *kind.synonyms)]
        case Flag():
            return bool
        case Named(by_id=True):
            # JSON has no type of its own for ids.
            return Annotated[UUID, Field(strict=False)]
        case _:
            return Annotated[str, Field(**NAMED)]


def _number(kind: Number) -> Any:
    limits: dict[str, Any] = {"gt" if kind.above else "ge": kind.low, "le": kind.high}
    if kind.whole:
        if kind.step > 1:
            limits["multiple_of"] = kind.step
        return Annotated[int, Field(**limits)]
    return Annotated[float, Field(allow_inf_nan=False, **limits)]


def _whole_choice(kind: Choice) -> tuple[AfterValidator, Any]:
    """What makes a whole number one of these; a Literal would take true for 1."""

    def check(number: int) -> int:
        if number not in kind.labels:
            raise PydanticCustomError(
                "choice", "Input should be {expected}", {"expected": kind.allowed}
            )
        return number

    return AfterValidator(check), Field(json_schema_extra={"enum": list(kind.values)})
