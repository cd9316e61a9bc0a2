"""Prompt embeddings are cached for the next render with the same texts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from generation.pipelines.embeddings import EmbeddingCache
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.specs import RenderSpec


def test_a_cached_tensor_is_not_computed_again() -> None:
    cache = EmbeddingCache()
    first = cache.get("words", lambda: torch.ones(1))

    assert cache.get("words", lambda: pytest.fail("computed twice")) is first


def test_the_least_recently_used_leaves_first() -> None:
    cache = EmbeddingCache(kept=2)
    computed: list[str] = []

    def ask(key: str) -> None:
        def compute() -> torch.Tensor:
            computed.append(key)
            return torch.ones(1)

        cache.get(key, compute)

    for key in ("one", "two", "one", "three", "one", "two"):
        ask(key)

    assert computed == ["one", "two", "three", "two"]


def test_a_failed_computation_is_not_cached() -> None:
    cache = EmbeddingCache()

    def fail() -> torch.Tensor:
        raise ValueError("no words")

    with pytest.raises(ValueError, match="no words"):
        cache.get("words", fail)

    assert torch.equal(cache.get("words", lambda: torch.ones(1)), torch.ones(1))


def test_a_models_prompt_is_encoded_once_whatever_the_seed(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    first = pipeline.encode(spec)

    assert pipeline.encode(replace(spec, seed=99, steps=9, guidance=9.0)) is first
    assert pipeline.encode(replace(spec, prompt="1boy")) is not first
    assert pipeline.encode(replace(spec, negative_prompt="blurry")) is not first
    assert pipeline.encode(replace(spec, guidance=1.0)).shape[0] == 1
