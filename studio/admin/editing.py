"""Two people edit one row: what one has saved is not lost when the other saves too.

A form carries a stamp of the values that it was opened with. When somebody else has saved others
meanwhile, a field that the person left alone keeps the other's value. One that both changed is
refused with the other's value, and what the person typed stays in the form. Saving once more
overwrites it, knowingly.
"""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest

from studio.admin.display import NOTHING
from studio.admin.sentences import DELETED_MEANWHILE, SAVED_MEANWHILE
from studio.models.refusals import invalid

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    Base = BaseModelAdmin
else:
    Base = object

STAMP = "opened_with"
"""The name of the hidden field."""


class StampField(forms.CharField):
    """The stamp of the opened values. It is no value of the row, so it never counts as changed."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never."""
        return False


class EditForm(forms.ModelForm):
    """The form of one row that several people may have open. A new row has no stamp."""

    opened_with = StampField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial[STAMP] = json.dumps(marks(self.instance, self._edited()))

    def full_clean(self) -> None:
        """Read the stored row anew before anything is compared with it; it stays locked.

        Another save may have ended since the row was loaded, and saving writes every column.
        """
        stays = not (self.is_bound and self.instance.pk) or self._read_anew()
        super().full_clean()
        if not stays:
            self.add_error(None, invalid(DELETED_MEANWHILE))

    def clean(self) -> dict[str, Any] | None:
        """Take over what only others have changed; add errors where both have."""
        if self.instance.pk and (opened := opened_with(self.cleaned_data.get(STAMP))):
            self._heed(opened)
        return super().clean()

    def _heed(self, opened: dict[str, str]) -> None:
        present = marks(self.instance, self._edited())
        for name in present.keys() & opened.keys():
            mine = self._mine(name)
            if opened[name] == present[name] or mine == present[name]:
                continue
            if mine == opened[name]:
                self.cleaned_data[name] = _value(self.instance, name)
                # A page with errors still shows the old value, which the next save leaves alone.
                present[name] = opened[name]
            else:
                said = invalid(SAVED_MEANWHILE, value=shown(self.instance, name))
                self.add_error(name, said)
        # From a page that shows the conflicts, the values can be saved.
        self.data = replaced(self.data, self.add_prefix(STAMP), json.dumps(present))

    def _mine(self, name: str) -> str | None:
        """The mark of what the person sent; None when the field refuses it."""
        if name not in self.changed_data:
            return mark(self.initial.get(name))
        return mark(self.cleaned_data[name]) if name in self.cleaned_data else None

    def _edited(self) -> list[str]:
        """The names of the row's fields that the form can change."""
        known = {field.name for field in _fields_of(self.instance)}
        return [name for name, field in self.fields.items() if name in known and not field.disabled]

    def _read_anew(self) -> bool:
        """Give the instance the values of the stored row, which the transaction of the save locks.

        The opened values in `initial` stay, except of fields that only show a value. Returns False
        when the row is stored no more.
        """
        rows: QuerySet[Model] = self._meta.model._base_manager.all()
        if connection.in_atomic_block:
            rows = rows.select_for_update()
        try:
            self.instance.refresh_from_db(from_queryset=rows)
        except ObjectDoesNotExist:
            return False
        fixed = [name for name, field in self.fields.items() if field.disabled]
        self.initial.update(model_to_dict(self.instance, fields=fixed))
        return True


class ListForm(forms.ModelForm):
    """A row of a list with fields that can be changed in place, each with the value it had."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self._meta.fields or ():
            # Django compares with that value: a field that nobody touched is not saved.
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any] | None:
        """Add an error to a field that somebody else has changed since the list was opened."""
        cleaned = super().clean() or self.cleaned_data
        for name in self.changed_data:
            hidden = self.add_initial_prefix(name)
            opened = self.data.get(hidden)
            if opened is None or mark(opened) == mark(self.initial.get(name)):
                continue
            self.add_error(name, invalid(SAVED_MEANWHILE, value=shown(self.instance, name)))
            self.data = replaced(self.data, hidden, self.initial[name])
        return cleaned


class HeedsOthers(Base):
    """An admin page or inline; its `form` is an EditForm, and its list has ListForms."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the stamp, which is no value to look at."""
        return [name for name in super().get_fields(request, obj) if name != STAMP]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the stamp, which is hidden, where somebody may change a row."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        (title, options), *others = fieldsets
        return [(title, {**options, "fields": [*options["fields"], STAMP]}), *others]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The form of a row of the list."""
        parent: Any = super()
        return parent.get_changelist_form(request, **{"form": ListForm, **kwargs})


def replaced(data: Any, name: str, value: Any) -> Any:
    """A copy of what a form was sent, with one value replaced."""
    copied = data.copy()
    copied[name] = value
    return copied


def opened_with(stamp: Any) -> dict[str, str]:
    """The marks that the page sent; empty without any, as from a script."""
    try:
        sent = json.loads(stamp or "{}")
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def marks(row: Model, names: list[str]) -> dict[str, str]:
    """A mark of each stored value, by the name of its field."""
    return {name: mark(value) for name, value in model_to_dict(row, fields=names).items()}


def mark(value: Any) -> str:
    """A short hash that two values share when they are the same to who edits them."""
    if isinstance(value, QuerySet | list | tuple):
        text = json.dumps(sorted(_plain(one) for one in value))
    else:
        text = _plain(value)
    return sha256(text.encode()).hexdigest()[:16]


def shown(row: Model, name: str) -> str:
    """A stored value as the form would show it."""
    value = _value(row, name)
    if isinstance(value, QuerySet | list | tuple):
        return ", ".join(str(one) for one in value) or NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    label = getattr(row, f"get_{name}_display", None)
    return str(label() if label else value if value is not None else "") or NOTHING


def _plain(value: Any) -> str:
    """Browsers send other line ends than scripts do."""
    key = value.pk if isinstance(value, Model) else value
    return "" if key is None else str(key).replace("\r\n", "\n")


def _value(row: Model, name: str) -> Any:
    value = getattr(row, name)
    return value.all() if row._meta.get_field(name).many_to_many else value


def _fields_of(row: Model) -> list[Any]:
    return [*row._meta.fields, *row._meta.many_to_many]
