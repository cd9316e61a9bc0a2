"""What holds a row that cannot be deleted, for the page that says so."""

from collections import Counter
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from generation.sentences import Said
from studio.admin import related
from studio.admin.display import short

EXAMPLES = 3
"""How many rows of a table are named."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of one table that hold a row: how many, and for who may see them, which.

    `url` is their list; empty if there is none. `examples` are names with addresses.
    """

    label: str
    url: str
    examples: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Held:
    """A row that cannot be deleted: why, what to do instead, and what holds it."""

    row: Model
    url: str
    said: Said
    instead: Said
    things: list[Holding]


def holdings(row: Model, site: AdminSite, request: HttpRequest) -> list[Holding]:
    """The rows that hold a row, table by table. Names are only of what the user may see."""
    counts = related.holders([row])[row.pk]
    paths = related.holding_paths(type(row))
    return [
        _holding(row, table, paths[table], count, site, request) for table, count in counts.items()
    ]


def _holding(
    row: Model,
    table: type[Model],
    paths: list[str],
    count: int,
    site: AdminSite,
    request: HttpRequest,
) -> Holding:
    label = related.in_words(Counter({table: count}))
    if not site.is_registered(table) or not site.get_model_admin(table).has_view_permission(
        request
    ):
        return Holding(label, "", [])
    model_admin = site.get_model_admin(table)
    referring = Q()
    for path in paths:
        referring |= Q(**{path: row})
    found = model_admin.get_queryset(request).filter(referring)[:EXAMPLES]
    examples = [(short(str(one)), address(site, one, "change", quote(one.pk))) for one in found]
    lookup = f"{paths[0]}__in"
    listed = len(paths) == 1 and model_admin.lookup_allowed(lookup, str(row.pk), request)
    url = address(site, table, "changelist", query={lookup: row.pk}) if listed else ""
    return Holding(label, url, examples)


def address(
    site: AdminSite,
    model: type[Model] | Model,
    page: str,
    *args: str,
    query: dict[str, object] | None = None,
) -> str:
    """The URL of a page of the admin site."""
    meta = model._meta
    name = f"{site.name}:{meta.app_label}_{meta.model_name}_{page}"
    return reverse(name, args=args, query=query)
