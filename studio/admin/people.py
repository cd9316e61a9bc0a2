"""People, their roles and their API tokens."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from generation.models import Job
from generation.models.job import JobQuerySet
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.permissions import SuperusersOnly
from studio.admin.projects import MembershipInline
from studio.admin.sentences import DEACTIVATE_PERSON, JOBS_NOT_DECIDED, JOBS_RUN_ON
from studio.models import ApiToken
from studio.models.refusals import invalid
from studio.presentation import flash
from studio.production import bulk_actions

admin.site.unregister([User, Group])


LET_RUN = "run"
JOBS_CHOICES = [
    ("hold", "Hold them: nothing new starts, and what runs now is finished"),
    ("cancel", "Cancel them, those that run too"),
    (LET_RUN, "Let them run"),
]


class PersonForm(EditForm, UserChangeForm):
    """A person's form, which asks what becomes of their jobs when they are deactivated."""

    their_jobs = forms.ChoiceField(
        label="Waiting and running jobs",
        choices=JOBS_CHOICES,
        initial="hold",
        required=False,
        widget=forms.RadioSelect({"class": "radiolist"}),
        help_text="What becomes of them when Active is switched off; otherwise nothing.",
    )

    def clean(self) -> dict[str, Any] | None:
        """Add an error when a person with jobs is deactivated without a choice."""
        cleaned = super().clean() or self.cleaned_data
        leaves = self.instance.is_active and not cleaned.get("is_active")
        count = jobs_of(self.instance).count() if leaves else 0
        if count and not cleaned.get("their_jobs"):
            self.add_error(None, invalid(JOBS_NOT_DECIDED, count=count))
        return cleaned


def jobs_of(person: User) -> JobQuerySet:
    """The person's waiting and running jobs."""
    return Job.objects.active().filter(owner=person.pk)


@admin.register(User)
class PersonAdmin(HeedsOthers, SaysWhatHolds, SuperusersOnly, UserAdmin):
    """People and their roles in projects."""

    form = PersonForm
    readonly_fields = ["last_login", "date_joined"]
    otherwise = DEACTIVATE_PERSON
    list_display = ["username", "full_name", "email", "roles", "is_staff", "is_active"]
    list_filter = ["memberships__role", "memberships__project", "is_staff", "is_active"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With prefetched memberships."""
        return super().get_queryset(request).prefetch_related("memberships__project")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """With the question about their jobs above Active, for an active person who has some."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if obj is not None and obj.is_active and jobs_of(obj).exists():
            fieldsets.insert(2, ("When the account is deactivated", {"fields": ["their_jobs"]}))
        return fieldsets

    def save_model(
        self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool
    ) -> None:
        """Save, and do with the jobs of a deactivated person what was chosen."""
        super().save_model(request, obj, form, change)
        chosen = form.cleaned_data.get("their_jobs")
        if not change or obj.is_active or "is_active" not in form.changed_data or not chosen:
            return
        jobs = list(jobs_of(obj))
        if chosen == LET_RUN:
            flash.info(request, JOBS_RUN_ON.said(count=len(jobs)))
            return
        action = bulk_actions.ACTIONS[chosen]
        acted = bulk_actions.act(action, jobs)
        flash.info(request, *bulk_actions.told(action, acted))

    @admin.display(description="Name", ordering="first_name")
    def full_name(self, person: User) -> str:
        """First and last name."""
        return person.get_full_name() or NOTHING

    @admin.display(description="Roles")
    def roles(self, person: Any) -> str:
        """The person's role in each project."""
        words = [f"{row.project}: {row.get_role_display()}" for row in person.memberships.all()]
        return ", ".join(words) or NOTHING


@admin.register(Group)
class PermissionGroupAdmin(HeedsOthers, GroupAdmin):
    """Groups of permissions, as Django has them."""

    form = EditForm


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
