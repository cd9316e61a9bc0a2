"""Bulk actions that more than one list offers."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin
else:
    Base = object


class Switching(Base):
    """Switches rows on and off; artists are offered those that are on."""

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Offer the rows to artists."""
        self._switch(request, queryset, active=True)

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Offer the rows no longer; what was made with them stays."""
        self._switch(request, queryset, active=False)

    def _switch(self, request: HttpRequest, rows: QuerySet[Any], *, active: bool) -> None:
        count = rows.filter(is_active=not active).update(is_active=active)
        self.message_user(request, f"{count} {'activated' if active else 'deactivated'}.")


def tell(
    model_admin: admin.ModelAdmin, request: HttpRequest, moved: int, asked: int, done: str, why: str
) -> None:
    """Say how many rows an action moved, and why it did not move the others."""
    left = f" {asked - moved} left as they were: {why}." if moved < asked else ""
    level = messages.SUCCESS if moved else messages.WARNING
    model_admin.message_user(request, f"{done}: {moved}.{left}", level)
