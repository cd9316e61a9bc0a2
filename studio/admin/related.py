"""Which rows refer to others, and what becomes of them when those are deleted."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import model_ngettext
from django.db.models import CASCADE, PROTECT, RESTRICT, SET_NULL, Count, F, ManyToOneRel, Model
from django.utils.text import get_text_list

Counts = Counter[type[Model]]
"""Numbers of rows, by table."""


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key to a table, or to rows that are deleted with those of the table."""

    table: type[Model]
    path: str
    on_delete: Any


def links_to(model: type[Model], path: str = "") -> Iterator[Link]:
    """The links to a table. `path` is the look-up from `model` to that table, if it is another."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ManyToOneRel):
            continue
        name = relation.field.name
        link = Link(relation.related_model, f"{name}__{path}" if path else name, relation.on_delete)
        yield link
        if link.on_delete is CASCADE and link.table is not model:
            yield from links_to(link.table, link.path)


def holders(rows: Sequence[Model]) -> dict[Any, Counts]:
    """How many rows prevent the deletion of each row that has some, by its primary key."""
    found = links_to(type(rows[0]))
    return _count(rows, [link for link in found if link.on_delete in (PROTECT, RESTRICT)])


def kept(rows: Sequence[Model]) -> dict[Any, Counts]:
    """How many rows stay and lose their link to each row, by its primary key."""
    found = list(links_to(type(rows[0])))
    deleted = {link.table for link in found if link.on_delete is CASCADE}
    stay = [link for link in found if link.on_delete is SET_NULL and link.table not in deleted]
    return _count(rows, stay)


def holding_paths(model: type[Model]) -> Mapping[type[Model], list[str]]:
    """The tables whose rows prevent deletions, with their look-ups to `model`."""
    paths = defaultdict(list)
    for link in links_to(model):
        if link.on_delete in (PROTECT, RESTRICT):
            paths[link.table].append(link.path)
    return paths


def in_words(counts: Counts) -> str:
    """For example: 2 jobs, 2 takes and 1 review."""
    words = [f"{count} {model_ngettext(table._meta, count)}" for table, count in counts.items()]
    return get_text_list(words, "and")


def _count(rows: Sequence[Model], links: Collection[Link]) -> dict[Any, Counts]:
    """How many rows refer to each row. One that refers to it by two links counts once."""
    found: dict[Any, Counts] = defaultdict(Counter)
    counted: dict[type[Model], list[str]] = defaultdict(list)
    for link in links:
        others = link.table._base_manager.filter(**{f"{link.path}__in": rows})
        for path in counted[link.table]:
            others = others.exclude(**{path: F(link.path)})
        counted[link.table].append(link.path)
        for pk, count in others.order_by().values_list(link.path).annotate(Count("pk")):
            found[pk][link.table] += count
    return found
