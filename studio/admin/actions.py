"""Bulk actions of several lists."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from studio.admin import sentences
from studio.presentation import flash

if TYPE_CHECKING:
    Base = admin.ModelAdmin
else:
    Base = object


class Switching(Base):
    """Actions that activate and deactivate rows. Artists can choose active rows only."""

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let artists choose the rows."""
        self._switch(request, queryset, active=True)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Hide the rows from artists. Takes that were made with them stay."""
        self._switch(request, queryset, active=False)

    def _switch(self, request: HttpRequest, rows: QuerySet[Any], *, active: bool) -> None:
        done = sentences.ACTIVATED if active else sentences.DEACTIVATED
        with transaction.atomic():
            switched = list(rows.filter(is_active=not active))
            same = self.model._default_manager.filter(pk__in=[row.pk for row in switched])
            same.update(is_active=active)
            for row in switched:
                self.log_change(request, row, f"{done.code.capitalize()}.")
        flash.success(request, done.said(count=len(switched)))
