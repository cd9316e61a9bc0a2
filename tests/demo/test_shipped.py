"""The weights in fixtures: loadable, small, and the reader right on fresh renders."""

import json
from pathlib import Path

import pytest
from diffusers import StableDiffusionPipeline

from generation.bench import adherence
from generation.demo.denoiser import NOISE_SCHEDULE
from generation.demo.reader import Reader, load_reader, reader_accuracy
from generation.demo.tokenizer import build_tokenizer


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(adherence.READER)


def test_the_model_is_small_and_says_nothing_of_where_it_was_made() -> None:
    assert size_of(adherence.MODEL) < 40_000_000
    assert size_of(adherence.READER) < 2_000_000
    assert not [
        config
        for config in adherence.MODEL.rglob("*.json")
        if "_name_or_path" in config.read_text()
    ]


def test_the_model_is_what_the_code_makes() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(adherence.MODEL)
    assert pipeline.tokenizer.get_vocab() == build_tokenizer().get_vocab()
    scheduler = pipeline.scheduler.config
    assert {name: scheduler[name] for name in NOISE_SCHEDULE} == NOISE_SCHEDULE


@pytest.mark.parametrize("size", [128, 256])
def test_the_reader_is_right_on_renders(reader: Reader, size: int) -> None:
    pytest.importorskip("skia", reason="drawing needs the extra 'train'")
    accuracy = reader_accuracy(reader, size, count=150, seed=404)
    assert all(accuracy[name] >= 0.98 for name in adherence.NAMED), accuracy


def test_the_reader_refuses_pictures_it_cannot_read(reader: Reader) -> None:
    import numpy as np

    with pytest.raises(ValueError, match="128 pixels"):
        reader.read([np.zeros((64, 64, 3), np.uint8)])


def test_a_reader_of_other_words_is_refused(tmp_path: Path) -> None:
    config = json.loads((adherence.READER / "config.json").read_text())
    config["attributes"]["hair"].append("mauve")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="other words"):
        load_reader(tmp_path)


def test_the_model_draws_what_is_named() -> None:
    pytest.importorskip("skia", reason="the check's control draws renders")
    lines: list[str] = []
    options = {
        "prompts": 4,
        "seed": 3,
        "size": 128,
        "steps": 12,
        "batch": 4,
        "guidance": adherence.GUIDANCE,
        "model": adherence.MODEL,
    }
    result = adherence.run(options, lines.append)
    assert result["attributes_right"] >= 0.6
    assert result["prompts"] == 4
    assert len(lines) == 9
    json.dumps(result)
