"""People, their roles and their API tokens."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING
from studio.admin.permissions import SuperusersOnly
from studio.admin.projects import MembershipInline
from studio.admin.sentences import DEACTIVATE_PERSON
from studio.models import ApiToken

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(SaysWhatHolds, SuperusersOnly, UserAdmin):
    """People and their roles in projects."""

    otherwise = DEACTIVATE_PERSON

    list_display = ["username", "full_name", "email", "roles", "is_staff", "is_active"]
    list_filter = ["memberships__role", "memberships__project", "is_staff", "is_active"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With prefetched memberships."""
        return super().get_queryset(request).prefetch_related("memberships__project")

    @admin.display(description="Name", ordering="first_name")
    def full_name(self, person: User) -> str:
        """First and last name."""
        return person.get_full_name() or NOTHING

    @admin.display(description="Roles")
    def roles(self, person: Any) -> str:
        """The person's role in each project."""
        words = [f"{row.project}: {row.get_role_display()}" for row in person.memberships.all()]
        return ", ".join(words) or NOTHING


@admin.register(ApiToken)
class ApiTokenAdmin(SuperusersOnly, admin.ModelAdmin):
    """API tokens. Deleting one revokes it.

    Tokens cannot be made here, because the secret is shown once, to its owner only.
    """

    list_display = ["name", "ending", "user", "may", "created_at", "last_used_at", "expires_at"]
    list_filter = [("user", admin.RelatedOnlyFieldListFilter), "expires_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    fields = ["name", "ending", "user", "may", "created_at", "last_used_at", "expires_at"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    @admin.display(description="Ends with")
    def ending(self, token: ApiToken) -> str:
        """The last characters, to tell tokens apart."""
        return f"…{token.hint}"

    @admin.display(description="Scopes")
    def may(self, token: ApiToken) -> str:
        """What scripts with the token may do."""
        return ", ".join(token.scopes) or NOTHING
