"""Families are found automatically, and their declarations are complete."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import diffusers
import pytest
import torch
from django.conf import settings

from generation.field import MediaType
from generation.library.register import recognise
from generation.pipelines import families as packages
from generation.pipelines import registry
from generation.pipelines.family import Family
from generation.pipelines.model_files import ModelFiles

PACKAGES = sorted(path.parent.name for path in Path(packages.__path__[0]).glob("*/__init__.py"))
DECLARED = registry.families()


def test_every_package_is_a_family() -> None:
    assert len(DECLARED) == len(PACKAGES) >= 2
    for name, family in DECLARED.items():
        assert family.name == name


@pytest.mark.parametrize("family", DECLARED.values(), ids=list(DECLARED))
def test_a_declaration_is_complete(family: Family, tmp_path: Path) -> None:
    assert family.label
    assert family.class_names
    assert all(hasattr(diffusers, name) for name in family.class_names)
    assert family.parts
    assert family.media_types
    assert set(family.media_types) <= set(MediaType)
    assert min(family.latent_pixels, family.latent_channels, family.feature_maps) > 0
    assert callable(resolve_name(family.loader))
    assert callable(resolve_name(family.costs))
    if family.base is None:
        assert family.width(tmp_path) > 0, "a folder that does not say has the usual width"
    else:
        assert registry.family(family.base).base is None
    assert not family.begins_with_picture or MediaType.VIDEO in family.media_types


def test_a_class_belongs_to_one_family() -> None:
    names = registry.class_names()

    assert len(names) == len(set(names))
    for family in DECLARED.values():
        assert [registry.family_of_class(name) for name in family.class_names] == [family]
    assert registry.family_of_class("CavePaintingPipeline") is None


def test_an_unknown_name_is_a_family_without_capabilities() -> None:
    family = registry.family("cave-painting")

    assert (family.name, family.media_types, family.loader) == ("cave-painting", (), "")
    able = [family.batches, family.lora, family.begins_with_picture, family.accelerates]
    assert not any(able)


def test_declarations_do_not_import_the_libraries() -> None:
    program = (
        "import sys; from generation.pipelines.registry import families; "
        "assert len(families()) >= 2; "
        "assert not {'torch', 'diffusers', 'transformers', 'django', 'numpy'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, check=True)


DECLARATION = """
from generation.pipelines.family import Family
from generation.field import MediaType

FAMILY = Family(
    name="cave-painting",
    label="Cave painting",
    class_names=("CavePaintingPipeline",),
    parts=("ochre",),
    media_types=(MediaType.IMAGE,),
    latent_pixels=16,
    loader="generation.pipelines.families.cave_painting.pipeline:Painter",
    costs="generation.pipelines.families.cave_painting.pipeline:count",
)
"""
PIPELINE = """
from generation.pipelines.costs import Costs


class Painter:
    nbytes = 7

    def __init__(self, files, device, dtype, check):
        self.slug = files.slug


def count(files):
    return Costs(evaluate=(1.0, 2.0, 3.0, 0.0), decode=(4.0, 5.0))
"""


@pytest.fixture
def cave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One more package in a folder of its own, which no other file mentions."""
    package = tmp_path / "cave_painting"
    package.mkdir()
    (package / "__init__.py").write_text(DECLARATION)
    (package / "pipeline.py").write_text(PIPELINE)
    monkeypatch.setattr(packages, "__path__", [*packages.__path__, str(tmp_path)])
    registry.families.cache_clear()
    yield package
    registry.families.cache_clear()
    for name in [name for name in sys.modules if "cave_painting" in name]:
        del sys.modules[name]


def test_a_new_package_is_found_loaded_and_costed(cave: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "ochre").mkdir(parents=True)
    (model / "ochre" / "weights.safetensors").touch()
    (model / "model_index.json").write_text(json.dumps({"_class_name": "CavePaintingPipeline"}))

    family = recognise(model)

    files = ModelFiles("lascaux", family.name, model, "0" * 64)
    assert registry.load(files, torch.device("cpu"), torch.float32).nbytes == 7
    costs = registry.count_costs(files)
    assert (costs.evaluate, costs.latents(64, 32)) == ((1.0, 2.0, 3.0, 0.0), 4 * 2)
    assert "CavePaintingPipeline" in registry.class_names()
