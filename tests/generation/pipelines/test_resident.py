"""Models kept loaded between jobs, as many as fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.resident import ResidentModels


@dataclass
class Weight:
    """A pipeline as far as the budget is concerned: so many bytes."""

    nbytes: int


def files(slug: str, content: str = "") -> ModelFiles:
    return ModelFiles(slug, "stable-diffusion", Path("nowhere"), content or f"hash of {slug}")


class Shelf:
    """Resident models with a budget of 100, and how often each was read from disk."""

    def __init__(self) -> None:
        self.models = ResidentModels(torch.device("cpu"), torch.float32, 100)
        self.loads: list[str] = []

    def use(self, slug: str, nbytes: int = 40, content: str = "") -> Weight:
        def read(found: ModelFiles, *_: object) -> Weight:
            self.loads.append(found.slug)
            return Weight(nbytes)

        return self.models.get(files(slug, content), read)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_a_model_is_read_once(shelf: Shelf) -> None:
    assert shelf.use("one") is shelf.use("one")
    assert shelf.loads == ["one"]
    assert shelf.models.holds(files("one"))


def test_what_fits_stays(shelf: Shelf) -> None:
    shelf.use("one")
    shelf.use("two")

    assert shelf.models.slugs == ["one", "two"]


def test_the_one_unused_longest_leaves_first(shelf: Shelf) -> None:
    shelf.use("one")
    shelf.use("two")
    shelf.use("one")
    shelf.use("three")

    assert shelf.models.slugs == ["one", "three"]
    assert not shelf.models.holds(files("two"))


def test_one_that_left_is_read_again(shelf: Shelf) -> None:
    for slug in ("one", "two", "three", "one"):
        shelf.use(slug)

    assert shelf.loads == ["one", "two", "three", "one"]


def test_a_large_model_drives_out_all_others(shelf: Shelf) -> None:
    shelf.use("one")
    shelf.use("two")
    shelf.use("large", nbytes=90)

    assert shelf.models.slugs == ["large"]


def test_the_model_in_use_stays_even_when_it_alone_is_too_large(shelf: Shelf) -> None:
    shelf.use("giant", nbytes=1000)

    assert shelf.models.slugs == ["giant"]


def test_new_weights_under_an_old_name_are_another_model(shelf: Shelf) -> None:
    first = shelf.use("one")

    second = shelf.use("one", content="trained further")

    assert first is not second


@pytest.mark.parametrize("problem", [ModelMissing, ModelUnreadable])
def test_a_model_that_cannot_be_read_leaves_the_others_alone(
    problem: type[Exception], shelf: Shelf
) -> None:
    shelf.use("one")

    def fail(*_: object) -> Weight:
        raise problem("It is gone.")

    with pytest.raises(problem):
        shelf.models.get(files("broken"), fail)

    assert shelf.models.slugs == ["one"]


def test_a_real_model_counts_its_own_bytes(models: ResidentModels, watched: object) -> None:
    assert models.slugs == ["toon"]
    assert models._loaded_bytes() > 10**7
