"""The catalogues of sentences: each sentence has one code and reads well with its values."""

from importlib import import_module
from string import Formatter

import pytest

from generation.sentences import Sentence, catalogue

CATALOGUES = (
    "generation.estimating.evaluation.explanations",
    "generation.models.absences",
    "generation.pipelines.sentences",
    "generation.refusals",
    "generation.scheduling.waiting_reasons",
    "studio.accounts.refusals",
    "studio.admin.sentences",
    "studio.api.refusals",
    "studio.live.sentences",
    "studio.management.sentences",
    "studio.models.refusals",
    "studio.ordering.reasons",
    "studio.ordering.refusals",
    "studio.ordering.sentences",
    "studio.presentation.sentences",
    "studio.production.refusals",
    "studio.production.sentences",
    "studio.views.sentences",
)

SAMPLE = 7
"""A value that every format in the templates accepts."""

SENTENCES = [
    pytest.param(sentence, id=f"{name}: {code}")
    for name in CATALOGUES
    for code, sentence in catalogue(import_module(name)).items()
]


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_has_sentences_with_codes_of_their_own(name: str) -> None:
    assert catalogue(import_module(name))


def test_a_code_that_is_used_twice_is_found() -> None:
    class Twice:
        ONE = Sentence("same", "One.")
        OTHER = Sentence("same", "Other.")

    with pytest.raises(ValueError, match="the code same"):
        catalogue(Twice)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_has_a_code_in_snake_case(sentence: Sentence) -> None:
    assert sentence.code.isidentifier()
    assert sentence.code == sentence.code.lower()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_whole(sentence: Sentence) -> None:
    names = {name for _, name, _, _ in Formatter().parse(sentence.template) if name is not None}

    text = sentence.say(**dict.fromkeys(names, SAMPLE))

    # A problem is a whole sentence itself.
    assert text.endswith(".") or sentence.template.endswith(". {problem}")
    assert sentence.template[0] == "{" or text[0].isupper()
    assert "  " not in text
    assert text == text.strip()


def test_a_sentence_with_its_values_keeps_its_code() -> None:
    said = Sentence("too_long", "{count} are too many.").said(count=3)

    assert (said.code, said.values, said.text) == ("too_long", {"count": 3}, "3 are too many.")
