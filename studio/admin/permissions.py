"""Permissions of the admin site.

The rows of a project belong to its leads: staff who are members with the role admin. The role
alone gives the permission, so nobody has to grant single permissions. Superusers have it in every
project. Models that belong to no project use Django's own permissions.
"""

from typing import TYPE_CHECKING, Any

from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest

from studio.models import Project, Role, Sequence
from studio.models.project import ProjectQuerySet

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    Base = BaseModelAdmin
else:
    Base = object


def led_projects(request: HttpRequest) -> ProjectQuerySet:
    """The projects that the user leads; all of them for a superuser."""
    if is_superuser(request):
        return Project.objects.all()
    return Project.objects.filter(memberships__user=request.user.pk, memberships__role=Role.ADMIN)


def is_superuser(request: HttpRequest) -> bool:
    """True for an active superuser."""
    return bool(request.user.is_active and request.user.is_superuser)


def leads_any(request: HttpRequest) -> bool:
    """True for leads of any project. Cached on the request, as a page asks dozens of times."""
    known = vars(request)
    if "leads_any" not in known:
        known["leads_any"] = is_superuser(request) or led_projects(request).exists()
    return bool(known["leads_any"])


class OfProject(Base):
    """Limits a lead to the rows of their projects, also in the choices of forms.

    `get_queryset` limits pages, forms and actions, because Django's admin gets every object from
    it.
    """

    project_path = "project"
    """The lookup from a row to its project."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the projects that the user leads."""
        rows = super().get_queryset(request)
        if is_superuser(request):
            return rows
        return rows.filter(**{f"{self.project_path}__in": led_projects(request)})

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Only projects that the user leads, and their sequences, can be chosen."""
        if db_field.related_model is Project:
            kwargs["queryset"] = led_projects(request)
        elif db_field.related_model is Sequence:
            kwargs["queryset"] = Sequence.objects.filter(project__in=led_projects(request))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.related_model is Project and not is_superuser(request):
            # A row without a project is shared by all projects; only superusers may make one.
            field.required = True
        return field

    def has_module_permission(self, request: HttpRequest) -> bool:
        """True for leads, who see the section on the index page."""
        return leads_any(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """True for leads, for the rows of `get_queryset`."""
        return leads_any(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """True for leads."""
        return leads_any(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """True for leads, for the rows of `get_queryset`."""
        return leads_any(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """True for leads, for the rows of `get_queryset`."""
        return leads_any(request)


class ReadOnly(Base):
    """History, which nobody may add to, change or delete."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


class SuperusersOnly(Base):
    """For models whose editors could make themselves superusers."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only."""
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only."""
        return is_superuser(request)
