"""Reasons as they are stored on jobs, also by older versions."""

import pytest

from generation.models import Job
from studio.presentation.reasons import Reason, reasons


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ([], []),
        ([["16 steps", "The style."]], [Reason("", "16 steps", "The style.")]),
        (
            [["style_steps", "16 steps", "The style."]],
            [Reason("style_steps", "16 steps", "The style.")],
        ),
    ],
    ids=["none", "a pair of an older version", "with its code"],
)
def test_stored_reasons_are_read_with_and_without_code(
    stored: list[list[str]], read: list[Reason]
) -> None:
    assert reasons(Job(reasons=stored)) == read
