"""Pages of lists by key: a page begins after the last row of the one before.

Rows that arrive or go meanwhile neither repeat nor hide others, as they do with numbered pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """The cursor was not made here, or for another list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and the cursor of the page after them; None for the last page."""

    rows: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """The order of a list: columns without nulls, "-" for descending, together unique.

    A cursor holds the columns of a row. It is signed with the list's name, so that no lookup gets
    a value that did not come from its column.
    """

    name: str
    order: tuple[str, ...]

    def page(self, rows: QuerySet[Row], size: int, after: str | None = None) -> Page[Row]:
        """The first `size` rows behind a cursor. Raises BadCursor."""
        ordered = rows.order_by(*self.order)
        if after is not None:
            ordered = ordered.filter(self._behind(self._values(after)))
        found = list(ordered[: size + 1])
        more = len(found) > size
        return Page(found[:size], self.cursor(found[size - 1]) if more else None)

    def cursor(self, row: Model) -> str:
        """The cursor of the page that begins behind a row."""
        values = [getattr(row, column.lstrip("-")) for column in self.order]
        return signing.dumps([_plain(value) for value in values], salt=self._salt)

    def _values(self, cursor: str) -> list[Any]:
        try:
            values: list[Any] = signing.loads(cursor, salt=self._salt)
        except signing.BadSignature:
            raise BadCursor(cursor) from None
        return values

    def _behind(self, values: list[Any]) -> Q:
        """The rows behind these values: by the first column, among equals by the next."""
        behind = Q()
        for column, value in reversed(list(zip(self.order, values, strict=True))):
            name = column.lstrip("-")
            beyond = Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})
            behind = beyond | (Q(**{name: value}) & behind) if behind else beyond
        return behind

    @property
    def _salt(self) -> str:
        return f"genga.keyset.{self.name}"


def _plain(value: Any) -> Any:
    """A value that JSON has, from which Django reads the column's own type again."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int | str) else str(value)
