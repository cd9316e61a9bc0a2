"""Bulk actions of several lists."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from generation.models import Job
from generation.sentences import Said, Sentence
from studio.admin import sentences
from studio.models import Take
from studio.presentation import flash
from studio.production import trashing

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


class Trashing(Base):
    """The way of takes into the trash, out of it, and to their end."""

    @admin.action(description="Move to the trash")
    def move_to_trash(self, request: HttpRequest, queryset: QuerySet[Take]) -> None:
        """Hide the takes. Their files are freed some days later."""
        self._apply(request, queryset, trashing.delete, sentences.MOVED_TO_TRASH)

    @admin.action(description="Restore from the trash")
    def restore(self, request: HttpRequest, queryset: QuerySet[Take]) -> None:
        """Show the takes again."""
        self._apply(request, queryset, trashing.restore, sentences.RESTORED_FROM_TRASH)

    @admin.action(description="Delete the files of takes in the trash")
    def free(self, request: HttpRequest, queryset: QuerySet[Take]) -> None:
        """Free the files now."""
        self._apply(request, queryset, trashing.delete_for_good, sentences.FREED)

    def _apply(
        self,
        request: HttpRequest,
        takes: QuerySet[Take],
        change: Callable[[Job], Said | None],
        done: Sentence,
    ) -> None:
        """Change each take, log those that changed, and say how many and why not the others."""
        count, refusals = 0, []
        for take in takes.select_related("job"):
            with transaction.atomic():
                refused = change(take.job)
                if refused is None:
                    count += 1
                    self.log_change(request, take, done.say(count=1))
                elif refused not in refusals:
                    refusals.append(refused)
        said = [*([done.said(count=count)] if count else []), *refusals]
        (flash.success if count else flash.warning)(request, *said)
