"""The performance history as records."""

from __future__ import annotations

import pytest

from generation.estimating.evaluation.records import records
from generation.models import Attempt
from tests.generation.conftest import Ran

pytestmark = pytest.mark.django_db


def test_attempts_of_an_older_version_are_left_out(ran: Ran) -> None:
    older, present = ran(3.0), ran(5.0)
    Attempt.objects.filter(pk=older.pk).update(shape="toon|128x128|4")

    assert [record.shape for record in records()] == [present.shape]
