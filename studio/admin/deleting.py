"""Deleting on the admin site: what holds a row is said, with what to do instead.

Django's admin would say that the user lacks the permission to delete the history, which nobody
has, and list every single row of it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.actions import delete_selected as django_delete_selected
from django.contrib.admin.utils import quote
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from generation.sentences import Said, Sentence
from studio.admin import related
from studio.admin.holding import Held, address, holdings
from studio.admin.sentences import HELD, IS_DEACTIVATED, KEPT, REST_IS_FREE, USED_MEANWHILE
from studio.presentation import flash

if TYPE_CHECKING:
    Base = admin.ModelAdmin
else:
    Base = object


class SaysWhatHolds(Base):
    """Says what holds a row that cannot be deleted, and what stays of one that can be."""

    otherwise: Sentence
    """What to do instead of deleting a row."""

    def instead(self, row: Any) -> Said:
        """What to do instead of deleting this row."""
        if getattr(row, "is_active", True):
            return self.otherwise.said()
        return IS_DEACTIVATED.said(name=str(row))

    def why_not(self, rows: Sequence[Any]) -> dict[Any, Said]:
        """Why rows cannot be deleted, by the primary keys of those that cannot be."""
        names = {row.pk: str(row) for row in rows}
        return {
            pk: HELD.said(name=names[pk], things=related.in_words(counts))
            for pk, counts in related.holders(rows).items()
        }

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """As Django's. The rows that cannot be deleted, if any, are the protected ones."""
        held = self._held(list(objs), request)
        return ([], {}, set(), held) if held else super().get_deleted_objects(objs, request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page that asks. It is shown again if something began to use the row meanwhile."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            flash.error(request, USED_MEANWHILE.said())
            return redirect(request.get_full_path())

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """With what stays, and what to do instead."""
        told = self.told(request, [context["object"]], context["protected"])
        return super().render_delete_form(request, context | told)

    def get_actions(self, request: HttpRequest) -> Any:
        """With the deletion that says what holds the rows."""
        actions: dict[str, Any] = super().get_actions(request)
        replaced = actions.get("delete_selected")
        if replaced:
            actions["delete_selected"] = (delete_selected, *replaced[1:])
        return actions

    def told(
        self, request: HttpRequest, rows: Sequence[Model], held: Sequence[Held]
    ) -> dict[str, Any]:
        """What the templates show besides Django's context."""
        counts = related.kept(rows) if rows and not held else {}
        losing = [row for row in rows if row.pk in counts]
        can_be_off = [row for row in losing if hasattr(row, "is_active")]
        instead = {said.text: said for said in map(self.instead, can_be_off)}
        may = "deactivate" in self.get_actions(request)
        shown = [one.row for one in held] or can_be_off
        return {
            "kept": [
                KEPT.said(name=str(row), things=related.in_words(counts[row.pk])) for row in losing
            ],
            "instead": list(instead.values()),
            "rest": REST_IS_FREE.said(count=len(rows) - len(held), chosen=len(rows)),
            "can_deactivate": [row for row in shown if may and getattr(row, "is_active", False)],
        }

    def _held(self, rows: Sequence[Model], request: HttpRequest) -> list[Held]:
        site = self.admin_site
        reasons = self.why_not(rows) if rows else {}
        held = []
        for row in rows:
            if row.pk in reasons:
                # Of several rows only the reasons are told, which cost a query for each table.
                things = holdings(row, site, request) if len(rows) == 1 else []
                url = address(site, row, "change", quote(row.pk))
                held.append(Held(row, url, reasons[row.pk], self.instead(row), things))
        return held


def delete_selected(
    model_admin: SaysWhatHolds, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """As Django's. All of the rows are deleted or none, and the log says so only if they are."""
    rows = list(queryset)
    try:
        with transaction.atomic():
            answer = django_delete_selected(model_admin, request, queryset)
    except IntegrityError:
        flash.error(request, USED_MEANWHILE.said())
        return None
    if answer is not None:
        context = answer.context_data or {}
        answer.context_data = context | model_admin.told(request, rows, context["protected"])
    return answer
