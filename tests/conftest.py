"""Fixtures that every test may use: people, a project with a shot, the demo model, a device."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.library import weights
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from generation.scheduling.forecast import Forecaster
from generation.specs import EnhanceSpec, RenderSpec, SourceUse
from generation.states import Priority, Work
from studio.models import Membership, Project, Role, Shot

TOON = Path(settings.BASE_DIR) / "fixtures" / "models" / "toon"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture
def artist(db: None) -> User:
    return User.objects.create_user("artist", password="artist")


@pytest.fixture
def reviewer(db: None) -> User:
    return User.objects.create_user("reviewer", password="reviewer")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger", password="stranger")


@pytest.fixture
def project(artist: User, reviewer: User) -> Project:
    project = Project.objects.create(slug="harbour", name="Harbour")
    Membership.objects.create(project=project, user=artist, role=Role.ARTIST)
    Membership.objects.create(project=project, user=reviewer, role=Role.REVIEWER)
    return project


@pytest.fixture
def forecaster() -> Forecaster:
    """What forecasts in the test's process."""
    return Forecaster()


@pytest.fixture
def estimator(forecaster: Forecaster) -> Estimator:
    """What estimates and learns in the test's process."""
    return forecaster.estimator


def changed(spec: RenderSpec, **changes: Any) -> RenderSpec:
    """A spec with other settings; with a finished file to enhance, the spec of an enhancement."""
    source = changes.get("source")
    if source is not None and source.use == SourceUse.ENHANCE:
        return EnhanceSpec.of(spec, **changes)
    return replace(spec, **changes)


@cache
def recorded(folder: Path) -> dict[str, Any]:
    """The files of a model's folder as its card records them."""
    return weights.read(folder).files


def register_at(folder: Path) -> None:
    """Let the cards of all models be those of this folder as it is now."""
    files = weights.read(folder).files
    ModelCard.objects.update(folder=str(folder), recorded_files=files)


@pytest.fixture
def shot(project: Project) -> Shot:
    return Shot.objects.create(project=project, slug="sh010", name="Arrival")


@pytest.fixture
def toon(db: None) -> ModelCard:
    """The demo model's card, without hashing its weights."""
    return ModelCard.objects.create(
        slug="toon",
        name="Toon",
        family="stable-diffusion",
        folder=str(TOON),
        weights_hash="0" * 64,
        recorded_files=recorded(TOON),
        types=["image"],
        guidance=4.0,
        width=256,
        height=256,
        min_size=128,
        max_size=256,
        draft_steps=8,
        standard_steps=20,
        final_steps=30,
        is_default=True,
    )


@pytest.fixture
def device(db: None) -> Device:
    """A device whose worker was heard of just now."""
    return Device.objects.create(
        name="cpu:0", kind="cpu", works=list(Work), heartbeat_at=timezone.now()
    )


@pytest.fixture
def toon_motion(toon: ModelCard) -> ModelCard:
    """The shipped motion adapter's card."""
    return ModelCard.objects.create(
        slug="toon-motion",
        name="Toon motion",
        family="animatediff",
        folder=str(TOON.with_name("toon-motion")),
        weights_hash="1" * 64,
        recorded_files=recorded(TOON.with_name("toon-motion")),
        types=["video"],
        base=toon,
        channels=64,
        guidance=4.0,
        width=256,
        height=256,
        min_size=128,
        max_size=256,
        draft_steps=8,
        standard_steps=20,
        final_steps=30,
        is_default=True,
    )


@pytest.fixture
def spec() -> RenderSpec:
    """A render that takes a fraction of a second."""
    return RenderSpec(
        type="image",
        model="toon",
        prompt="1girl, short pink hair, blue eyes",
        quality="draft",
        width=128,
        height=128,
        steps=4,
        guidance=4.0,
        seed=7,
    )


@pytest.fixture
def submit(
    artist: User, toon: ModelCard, spec: RenderSpec, estimator: Estimator
) -> Callable[..., Job]:
    """Submit a small job; keyword arguments change the spec or the submit."""

    def submit_job(
        priority: Priority = Priority.NORMAL, owner: User | None = None, **changes: Any
    ) -> Job:
        asked = changed(spec, **changes)
        return lifecycle.submit(
            asked,
            owner=owner or artist,
            model=toon,
            priority=priority,
            estimate=estimator.estimate(asked),
        )

    return submit_job
