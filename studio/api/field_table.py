"""The table of a request's fields in docs/api.md, made from their declarations."""

from generation.field import Choice, Field, Flag, Named, Number, Text
from studio.ordering.request import FIELDS

HEAD = ("| field | meaning | allowed | when it is not named |", "|---|---|---|---|")


def field_table() -> str:
    """The table as Markdown; a test holds docs/api.md to it."""
    return "\n".join([*HEAD, *map(_row, FIELDS.values())])


def _row(field: Field) -> str:
    unnamed = "required" if field.required else field.unnamed
    return f"| `{field.name}` | {field.meaning} | {_allowed(field)} | {unnamed} |"


def _allowed(field: Field) -> str:
    match field.kind:
        case Text(shortest, longest):
            return (
                f"{shortest} to {longest} characters" if shortest else f"up to {longest} characters"
            )
        case Choice():
            said = ", ".join(f"`{value}`" for value in field.kind.values)
            words = ", ".join(f"`{word}`" for word in field.kind.synonyms)
            return f"{said}; {words} are the same" if words else said
        case Number() | Named():
            return field.kind.allowed
        case Flag():
            return "`true`, `false`"
    raise TypeError(f"{field.name} cannot be asked for")
