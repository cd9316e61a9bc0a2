"""How a model's tokenizer reads a text, in both layouts of its files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import CLIPTokenizer

from generation.pipelines import tokenizing
from tests.conftest import TOON

LIMIT = 32


@pytest.fixture(scope="module")
def old_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model's tokenizer as Stable Diffusion 1.x keeps its own: vocab.json, merges.txt."""
    model = tmp_path_factory.mktemp("model")
    folder = model / "tokenizer"
    folder.mkdir()
    encoding = json.loads((TOON / "tokenizer" / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(encoding["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in encoding["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    config = TOON / "tokenizer" / "tokenizer_config.json"
    (folder / "tokenizer_config.json").write_text(config.read_text())
    return model


@pytest.fixture(params=["tokenizer.json", "vocab.json and merges.txt"])
def model(request: pytest.FixtureRequest, old_layout: Path) -> Iterator[Path]:
    return TOON if request.param == "tokenizer.json" else old_layout


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    some.text()
    | some.lists(some.sampled_from(["Pink", "hair,", "(smiling)", "it's", "少女", "🌅"])).map(
        " ".join
    )
)
def test_a_text_has_the_tokens_that_the_renders_tokenizer_makes_of_it(
    model: Path, text: str
) -> None:
    stock = CLIPTokenizer.from_pretrained(model / "tokenizer")

    assert tokenizing.read(model, text).tokens == len(stock(text)["input_ids"])


def test_what_is_cut_off_is_what_the_render_does_not_read(model: Path) -> None:
    text = "pink hair, " * 9 + "Red hat, " + "blue eyes, " * 3
    stock = CLIPTokenizer.from_pretrained(model / "tokenizer")

    reading = tokenizing.read(model, text)

    rendered = stock(text, truncation=True, max_length=LIMIT)["input_ids"]
    assert reading.limit == LIMIT
    assert rendered == stock(text.removesuffix(reading.cut + " "))["input_ids"]
    assert reading.cut == "blue eyes, blue eyes, blue eyes,"


def test_a_text_that_just_fits_is_not_cut(model: Path) -> None:
    assert tokenizing.read(model, "pink " * (LIMIT - 2)).cut == ""
    assert tokenizing.read(model, "pink " * (LIMIT - 1)).cut == "pink"


@pytest.mark.parametrize(
    ("text", "is_strange"),
    [
        ("pink hair, blue eyes", False),
        ("pink hair, 少女", False),
        ("a quiet harbour at night", False),
        ("少女が屋上に立っている", True),
        ("🌅🌊👩\u200d🚀", True),
        ("девушка на крыше", True),
        ("", False),
        ("123, 45!", False),
    ],
)
def test_a_text_of_words_that_the_model_does_not_know_is_recognised(
    text: str, is_strange: bool, model: Path
) -> None:
    assert tokenizing.read(model, text).is_strange is is_strange


def test_unknown_tokens_are_no_words(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    tokenizer = Tokenizer(WordLevel({"<unk>": 0, "pink": 1, "hair": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer" / "tokenizer.json"))

    assert tokenizing.read(tmp_path, "pink hair").known == 1
    assert tokenizing.read(tmp_path, "pink wave").known == 0.5
    assert tokenizing.read(tmp_path, "green wave").is_strange


@pytest.mark.parametrize(
    ("config", "encoder", "limit"),
    [
        ({"model_max_length": 40}, {"max_position_embeddings": 50}, 40),
        ({"model_max_length": 1e30}, {"max_position_embeddings": 50}, 50),
        ({}, {"max_position_embeddings": 50}, 50),
        ({}, {}, tokenizing.USUAL_LIMIT),
        ([], None, tokenizing.USUAL_LIMIT),
    ],
)
def test_the_limit_is_the_tokenizers_or_else_the_encoders(
    config: Any, encoder: Any, limit: int, tmp_path: Path
) -> None:
    for name, held in (
        ("tokenizer/tokenizer_config", config),
        ("text_encoder/config", encoder),
    ):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir()
        path.write_text("{broken" if held is None else json.dumps(held))

    assert tokenizing.read(tmp_path, "pink").limit == limit


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.json"])
def test_a_damaged_tokenizer_breaks_no_page(name: str, tmp_path: Path) -> None:
    """The render says what is wrong with it."""
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / name).write_text("{broken")
    (tmp_path / "tokenizer" / "merges.txt").write_text("a b\n")

    assert tokenizing.read(tmp_path, "one, two") == tokenizing.Reading(5, 77)


def test_a_tokenizer_that_is_exchanged_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    guessed = tokenizing.read(tmp_path, "smiling girl!")

    for path in (TOON / "tokenizer").iterdir():
        (tmp_path / "tokenizer" / path.name).write_bytes(path.read_bytes())

    assert guessed.known is None
    assert tokenizing.read(tmp_path, "smiling girl!") == tokenizing.read(TOON, "smiling girl!")


def test_reading_a_text_loads_no_library_for_renders() -> None:
    code = (
        "import sys; from pathlib import Path; from generation.pipelines import tokenizing; "
        f"tokenizing.read(Path({str(TOON)!r}), 'pink'); "
        "assert not {'torch', 'transformers', 'django'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
