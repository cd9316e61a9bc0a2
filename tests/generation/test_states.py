"""The vocabulary of the queue."""

import pytest

from generation.states import (
    ACTIVE,
    ENDED,
    TRANSITIONS,
    Outcome,
    Priority,
    Stage,
    Status,
    choices,
)

ALLOWED = """
queued > processing
queued > cancelled
queued > failed
processing > completed
processing > failed
processing > cancelled
processing > queued
failed > queued
cancelled > queued
"""


def test_exactly_these_transitions_are_allowed() -> None:
    allowed = {tuple(line.split(" > ")) for line in ALLOWED.split("\n") if line}

    assert {(source, target) for source in TRANSITIONS for target in TRANSITIONS[source]} == allowed


def test_every_status_has_ended_or_is_active() -> None:
    assert set(Status) == ENDED | ACTIVE
    assert not ENDED & ACTIVE
    assert {status for status in Status if status.ended} == ENDED


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (Status.QUEUED, "Waiting"),
        (Status.PROCESSING, "Rendering"),
        (Status.COMPLETED, "Done"),
        (Status.FAILED, "Failed"),
        (Status.CANCELLED, "Cancelled"),
    ],
)
def test_a_status_has_a_label_for_people(status: Status, label: str) -> None:
    assert status.label == label


def test_no_two_statuses_share_an_icon() -> None:
    assert len({status.icon for status in Status}) == len(Status)


@pytest.mark.parametrize("enum", [Status, Outcome, Stage, Priority])
def test_every_choice_has_a_label_of_its_own(enum: type) -> None:
    pairs = choices(enum)

    assert [value for value, _ in pairs] == [member.value for member in enum]
    assert len({label for _, label in pairs}) == len(pairs)


def test_stages_are_in_the_order_in_which_they_run() -> None:
    assert [stage.value for stage in Stage] == [
        *("load", "encode", "denoise", "decode", "interpolate", "upscale", "write", "check"),
    ]


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_has_a_label_and_a_verb(stage: Stage) -> None:
    assert stage.label[0].isupper()
    assert stage.verb.split()[0].endswith("ing")


def test_urgent_runs_before_high_before_normal_before_low() -> None:
    assert sorted(Priority) == [Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW]


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_is_found_by_its_word(priority: Priority) -> None:
    assert Priority.from_word(priority.word) is priority
    assert priority.label.lower() == priority.word


def test_an_unknown_priority_word_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Priority.from_word("soon")
