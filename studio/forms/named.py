"""The form of a thing with a name: its name is its own, and its address is made of the name."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet

from studio.models import refusals
from studio.models.names import (
    free_slug,
    is_reserved,
    name_key,
    normal_slug,
    of_name,
    of_slug,
    plain_slug,
)
from studio.models.refusals import invalid


class NamedForm(forms.ModelForm):
    """Refuses a name that another thing has; gives a new thing an address that none has.

    Names are compared within a project, or among all rows of a model without one. The form may
    have a field `slug`: what a person types there is kept, and what is left empty is filled.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False

    def clean(self) -> dict[str, Any] | None:
        """Check the name, and set the address of the cleaned data or of the instance."""
        cleaned = super().clean() or self.cleaned_data
        name = cleaned.get("name")
        if not name:
            return cleaned
        if self.instance._state.adding or {"name", "project"} & set(self.changed_data):
            self._check_name(name)
        if "slug" not in self.fields:
            self.instance.slug = self.instance.slug or self._slug(name, "")
        elif "slug" in cleaned:
            cleaned["slug"] = self._slug(name, normal_slug(cleaned["slug"] or ""))
        return cleaned

    def readdress(self, reserved: Iterable[str]) -> None:
        """Give the thing an address outside `reserved`. The form must be valid."""
        slug = free_slug(self.cleaned_data["name"], self._sharing_slugs(), reserved)
        self.cleaned_data["slug"] = self.instance.slug = slug

    def _check_name(self, name: str) -> None:
        if not name_key(name):
            self.add_error("name", invalid(refusals.NAME_INVISIBLE))
        elif is_reserved(self._meta.model, name_key(name)):
            self.add_error("name", invalid(refusals.NAME_RESERVED, name=name))
        elif same := of_name(self._others(), name):
            twin: Any = same[0]
            self.add_error("name", invalid(refusals.NAME_TAKEN, name=twin.name, slug=twin.slug))

    def _slug(self, name: str, typed: str) -> str:
        """The address: the typed one, or a free one where the page itself made it of the name."""
        if not typed or (self.instance._state.adding and typed == plain_slug(name)):
            return free_slug(name, self._sharing_slugs())
        if "slug" in self.changed_data and is_reserved(self._meta.model, typed):
            self.add_error("slug", invalid(refusals.SLUG_RESERVED, slug=typed))
        elif twin := of_slug(self._sharing_slugs(), typed):
            self.add_error("slug", invalid(refusals.SLUG_TAKEN, slug=typed, name=str(twin)))
        return typed

    def _others(self) -> QuerySet[Any]:
        """The other things whose names must differ from this one's."""
        rows = self._rows()
        return rows.filter(project=self._project_id()) if self._has_project() else rows

    def _sharing_slugs(self) -> QuerySet[Any]:
        """The other things whose addresses must differ from this one's."""
        everywhere = self._meta.model._meta.get_field("slug").unique
        return self._rows() if everywhere else self._others()

    def _rows(self) -> QuerySet[Any]:
        return self._meta.model._default_manager.exclude(pk=self.instance.pk)

    def _has_project(self) -> bool:
        return any(field.name == "project" for field in self._meta.model._meta.fields)

    def _project_id(self) -> int | None:
        """The project that the form chooses, or that the instance has."""
        chosen: Model | None = self.cleaned_data.get("project")
        if "project" in self.cleaned_data:
            return chosen.pk if chosen else None
        return int(self.instance.project_id) if self.instance.project_id else None


class NamedFormSet(BaseInlineFormSet):
    """Named things of one project that are saved together: their names and addresses differ too."""

    def clean(self) -> None:
        """Refuse a name that an earlier row has; number an address that an earlier row has."""
        kept: list[Any] = [form for form in self.forms if self._is_kept(form)]
        names: dict[str, dict[str, Any]] = {}
        slugs: set[str] = set()
        for form in kept:
            row = form.cleaned_data
            if row["slug"] in slugs and form.instance._state.adding:
                form.readdress(slugs)
            slugs.add(row["slug"])
            earlier = names.setdefault(name_key(row["name"]), row)
            if earlier is not row and "name" in form.changed_data:
                said = {"name": earlier["name"], "slug": earlier["slug"]}
                form.add_error("name", invalid(refusals.NAME_TAKEN, **said))
        super().clean()

    def _is_kept(self, form: Any) -> bool:
        """True for a row that is filled in, valid so far and not about to be deleted."""
        row = getattr(form, "cleaned_data", {})
        return bool(row.get("name") and row.get("slug") and form not in self.deleted_forms)
