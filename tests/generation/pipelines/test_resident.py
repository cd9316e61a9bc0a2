"""Models stay loaded between jobs, as many as fit."""

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
    """The only property of a pipeline that the budget uses: its size in bytes."""

    nbytes: int


def files(slug: str, content: str = "") -> ModelFiles:
    return ModelFiles(slug, "stable-diffusion", Path("nowhere"), content or f"hash of {slug}")


class CountedModels:
    """Resident models with a budget of 100, and the models read from disk."""

    def __init__(self) -> None:
        self.models = ResidentModels(torch.device("cpu"), torch.float32, 100)
        self.loads: list[str] = []

    def use(self, slug: str, nbytes: int = 40, content: str = "") -> Weight:
        def read(found: ModelFiles, *_: object) -> Weight:
            self.loads.append(found.slug)
            return Weight(nbytes)

        return self.models.get(files(slug, content), read)


@pytest.fixture
def counted() -> CountedModels:
    return CountedModels()


def test_a_model_is_read_once(counted: CountedModels) -> None:
    assert counted.use("one") is counted.use("one")
    assert counted.loads == ["one"]
    assert counted.models.holds(files("one"))


def test_models_that_fit_stay_loaded(counted: CountedModels) -> None:
    counted.use("one")
    counted.use("two")

    assert counted.models.slugs == ["one", "two"]


def test_the_least_recently_used_leaves_first(counted: CountedModels) -> None:
    counted.use("one")
    counted.use("two")
    counted.use("one")
    counted.use("three")

    assert counted.models.slugs == ["one", "three"]
    assert not counted.models.holds(files("two"))


def test_an_unloaded_model_is_read_again(counted: CountedModels) -> None:
    for slug in ("one", "two", "three", "one"):
        counted.use(slug)

    assert counted.loads == ["one", "two", "three", "one"]


def test_a_large_model_replaces_all_others(counted: CountedModels) -> None:
    counted.use("one")
    counted.use("two")
    counted.use("large", nbytes=90)

    assert counted.models.slugs == ["large"]


def test_the_model_in_use_stays_even_when_it_alone_is_too_large(counted: CountedModels) -> None:
    counted.use("giant", nbytes=1000)

    assert counted.models.slugs == ["giant"]


def test_new_weights_under_the_same_slug_are_another_model(counted: CountedModels) -> None:
    first = counted.use("one")

    second = counted.use("one", content="trained further")

    assert first is not second


@pytest.mark.parametrize("problem", [ModelMissing, ModelUnreadable])
def test_a_model_that_cannot_be_read_does_not_affect_the_others(
    problem: type[Exception], counted: CountedModels
) -> None:
    counted.use("one")

    def fail(*_: object) -> Weight:
        raise problem("It is gone.")

    with pytest.raises(problem):
        counted.models.get(files("broken"), fail)

    assert counted.models.slugs == ["one"]


def test_a_real_model_counts_its_own_bytes(models: ResidentModels, watched: object) -> None:
    assert models.slugs == ["toon"]
    assert models._loaded_bytes() > 10**7
