"""Who may do what in the admin site.

A project's things belong to its leads: staff who are members of it with the role admin. Their
right comes from that role alone, so nobody has to hand out forty single permissions; superusers
have it everywhere. What belongs to no project keeps Django's own permissions.
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
    """Projects whose lead the user is; all of them for a superuser."""
    if is_superuser(request):
        return Project.objects.all()
    return Project.objects.filter(memberships__user=request.user.pk, memberships__role=Role.ADMIN)


def is_superuser(request: HttpRequest) -> bool:
    """True for a superuser who has not been switched off."""
    return bool(request.user.is_active and request.user.is_superuser)


def leads_any(request: HttpRequest) -> bool:
    """True for leads of any project. Asked dozens of times a page, hence kept with the request."""
    known = vars(request)
    if "leads_any" not in known:
        known["leads_any"] = is_superuser(request) or led_projects(request).exists()
    return bool(known["leads_any"])


class OfProject(Base):
    """Shows a lead the rows of the projects they lead, and offers no others to choose from.

    `get_queryset` is the limit for pages, forms and actions alike: Django's admin finds every
    object through it.
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
            # Without a project a thing is everybody's, and only superusers decide for everybody.
            field.required = True
        return field

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Leads see the section on the index page."""
        return leads_any(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leads may look at what `get_queryset` gives them."""
        return leads_any(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leads may add to their projects."""
        return leads_any(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leads may change what `get_queryset` gives them."""
        return leads_any(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leads may delete what `get_queryset` gives them."""
        return leads_any(request)


class ReadOnly(Base):
    """What happened: looked at, never added to, changed or deleted by hand.

    This also keeps a shot or project with takes from being deleted, because Django asks for the
    permission to delete everything that would go with it.
    """

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
    """What decides who may do what: whoever can change it could make themselves a superuser."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers."""
        return is_superuser(request)
