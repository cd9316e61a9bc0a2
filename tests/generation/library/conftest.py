"""A model to register."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generation.tiny_models import copied, save_tiny_adapter, save_tiny_model


@pytest.fixture(scope="session")
def _tiny_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def _adapter_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_adapter(tmp_path_factory.mktemp("tiny") / "adapter")


@pytest.fixture
def folder(_tiny_once: Path, tmp_path: Path) -> Path:
    """A small model with random weights; every test has its own copy."""
    return copied(_tiny_once, tmp_path / "model")


@pytest.fixture
def adapter(_adapter_once: Path, tmp_path: Path) -> Path:
    """A motion adapter for it."""
    return copied(_adapter_once, tmp_path / "adapter")
