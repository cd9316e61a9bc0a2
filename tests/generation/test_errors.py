"""The messages of the engine's exceptions."""

import pytest

from generation import errors
from generation.errors import Interruption, RenderError, SpecError
from generation.sentences import Sentence

FAILURES = [
    errors.RenderError,
    errors.ModelMissing,
    errors.ModelUnreadable,
    errors.LoraUnreadable,
    errors.OutOfMemory,
    errors.OutputUnwritable,
    errors.WorkerLost,
]


def test_a_spec_error_names_the_field_and_the_allowed_values() -> None:
    sentence = Sentence("no_multiple", "{value} pixels cannot be rendered.")

    problem = SpecError("width", sentence, "multiples of 8", value=7)

    assert (problem.field, problem.allowed) == ("width", "multiples of 8")
    assert (problem.code, problem.values) == ("no_multiple", {"value": 7})
    assert str(problem) == "width: 7 pixels cannot be rendered."
    assert problem.sentence == "7 pixels cannot be rendered. Allowed: multiples of 8."


def test_a_spec_error_without_allowed_values_is_its_message() -> None:
    sentence = Sentence("missing", "The {field} is missing.")

    assert SpecError("width", sentence).sentence == "The width is missing."


def test_every_failure_has_a_code_of_its_own() -> None:
    assert len({failure.code for failure in FAILURES}) == len(FAILURES)


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_says_what_to_do_next(failure: type[RenderError]) -> None:
    assert failure("It broke.").hint.endswith(".")


def test_a_failure_may_have_its_own_hint() -> None:
    assert RenderError("It broke.", "Mend it.").hint == "Mend it."
    assert RenderError("It broke.").hint == RenderError.hint


@pytest.mark.parametrize(
    "interruption", [errors.CancelRequested, errors.WorkerStopping, errors.LeaseLost]
)
def test_an_interruption_is_not_a_failure(interruption: type[Interruption]) -> None:
    assert issubclass(interruption, Interruption)
    assert not issubclass(interruption, RenderError)
