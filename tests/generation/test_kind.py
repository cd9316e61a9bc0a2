"""Each kind of job declares parts that are there."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest
from django.template.loader import get_template

from generation.estimating.cost import cost_of
from generation.kind import kind_named, names
from generation.worker.execution import Execution


@pytest.mark.parametrize("name", names())
def test_the_parts_of_a_kind_are_there(name: str) -> None:
    kind = kind_named(name)

    assert (kind.name, kind.spec_class.kind) == (name, name)
    assert issubclass(resolve_name(kind.executor), Execution)
    assert callable(cost_of(name).demands)
    assert callable(cost_of(name).weights)
    assert get_template(kind.card)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        kind_named("juggle")
