"""A row inside a page that somebody else has removed while the page was open.

Django asks for the number of such a row, which no page can send any more, and shows no reason. Here
the row goes, as the other person wants it, unless something was typed into it: then it is offered
as a new row, which the next save adds.
"""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.forms.formsets import (
    DELETION_FIELD_NAME,
    INITIAL_FORM_COUNT,
    TOTAL_FORM_COUNT,
    ManagementForm,
)
from django.forms.models import BaseInlineFormSet
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property

from studio.admin.editing import STAMP, EditForm, mark, opened_with
from studio.admin.sentences import REMOVED_MEANWHILE
from studio.models.refusals import invalid


class HeedingFormSet(BaseInlineFormSet):
    """The rows inside a page; each form is an EditForm."""

    offered: range = range(0)
    """The places of the removed rows that are offered as new ones."""

    @cached_property
    def management_form(self) -> ManagementForm:
        """The numbers of rows, without those that are stored no more.

        Everything else of a formset asks for these numbers first.
        """
        sent = super().management_form
        if self.is_bound and sent.is_valid():
            numbers: dict[str, Any] = sent.cleaned_data
            stored = range(numbers[INITIAL_FORM_COUNT])
            if removed := [place for place in stored if self._is_removed(place)]:
                self._rearrange(numbers, removed)
                return super().management_form
        return sent

    def clean(self) -> None:
        """Add an error to each row that was removed and typed into."""
        for place in self.offered:
            if self.forms[place].has_changed():
                self.forms[place].add_error(None, invalid(REMOVED_MEANWHILE))
        super().clean()

    def _is_removed(self, place: int) -> bool:
        sent = self.data.get(self._key(place))
        return bool(sent) and sent not in {str(row.pk) for row in self.get_queryset()}

    def _rearrange(self, numbers: dict[str, Any], removed: list[int]) -> None:
        """Put the removed rows behind the stored ones, or leave them out."""
        typed = [place for place in removed if self._is_wanted(place)]
        stored = numbers[INITIAL_FORM_COUNT]
        kept = [place for place in range(stored) if place not in removed]
        order = [*kept, *typed, *range(stored, numbers[TOTAL_FORM_COUNT])]
        places = {old: new for new, old in enumerate(order)}
        self.offered = range(len(kept), len(kept) + len(typed))
        self.data = self._moved(self.data, places)
        self.files = self.files and self._moved(self.files, places)
        for place in self.offered:
            self.data[self._key(place)] = ""
        self.data[self._name(INITIAL_FORM_COUNT)] = len(kept)
        self.data[self._name(TOTAL_FORM_COUNT)] = len(order)

    def _is_wanted(self, place: int) -> bool:
        """True for a row that was typed into, and that the person did not remove too."""
        if self.can_delete and self.data.get(self._name(place, DELETION_FIELD_NAME)):
            return False
        form: Any = self.form(
            self.data, self.files, prefix=self.add_prefix(place), **self.get_form_kwargs(place)
        )
        return not _is_left_alone(form)

    def _moved(self, sent: Any, places: dict[int, int]) -> MultiValueDict:
        """A copy of what was sent, with the rows that have a new place."""
        row = re.compile(rf"{re.escape(self._name())}-(\d+)-(.+)")
        moved: MultiValueDict = MultiValueDict()
        for name, values in sent.lists():
            found = row.fullmatch(name)
            if not found:
                moved.setlist(name, values)
            elif (place := places.get(int(found[1]))) is not None:
                moved.setlist(self._name(place, found[2]), values)
        return moved

    def _key(self, place: int) -> str:
        """The name of the hidden field with the row's primary key."""
        model: Any = self.model
        return self._name(place, model._meta.pk.name)

    def _name(self, *parts: Any) -> str:
        return "-".join(map(str, (self.prefix, *parts)))


def _is_left_alone(form: EditForm) -> bool:
    """True when every value is still that with which the page was opened."""
    opened = opened_with(form[STAMP].data)
    return bool(opened) and all(
        _is_same(form, name, value) for name, value in opened.items() if name in form.fields
    )


def _is_same(form: EditForm, name: str, opened: str) -> bool:
    sent = form[name].data
    if sent is None:
        # No other file was chosen.
        return True
    try:
        return mark(form.fields[name].to_python(sent)) == opened
    except ValidationError:
        return False
