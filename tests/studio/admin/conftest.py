"""Fixtures of the admin site's tests: users, and two productions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

from generation.models import Device, ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import (
    Character,
    Membership,
    Project,
    Reference,
    Review,
    Role,
    Sequence,
    Shot,
    Style,
)
from studio.ordering import submission
from studio.ordering.request import RenderRequest
from tests.studio.admin.asking import picture_file
from tests.studio.conftest import finish_job


@pytest.fixture
def lead(lead: User) -> User:
    """The project's admin, who is staff."""
    lead.is_staff = True
    lead.save()
    return lead


@pytest.fixture
def as_root(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


def production(project: Project, artist: User, device: Device, name: str) -> SimpleNamespace:
    """A project with one row of each model and a finished render."""
    sequence = Sequence.objects.create(project=project, slug="opening", name=f"{name} opening")
    shot = Shot.objects.create(
        project=project, sequence=sequence, slug="sh020", name=f"{name} shot"
    )
    character = Character.objects.create(
        project=project, slug=name, name=name.title(), look="1girl, bob silver hair"
    )
    reference = Reference.objects.create(
        character=character,
        picture=ContentFile(picture_file(kind="WEBP").read(), "reference.webp"),
        caption="front",
    )
    style = Style.objects.create(project=project, slug=f"{name}-ink", name=f"{name} ink")
    request = RenderRequest(prompt="smiling", character=character, style=style, shot=shot)
    take, _ = submission.submit(Forecaster(), request, artist)
    attempt = finish_job(take, device)
    review = Review.objects.create(take=take, requested_by=artist)
    return SimpleNamespace(
        project=project,
        sequence=sequence,
        shot=shot,
        character=character,
        reference=reference,
        style=style,
        take=take,
        job=take.job,
        attempt=attempt,
        output=take.job.outputs.get(),
        review=review,
    )


@pytest.fixture
def ours(project: Project, artist: User, toon: ModelCard, device: Device) -> SimpleNamespace:
    """A production in the project that `lead` leads."""
    return production(project, artist, device, "mika")


@pytest.fixture
def theirs(stranger: User, toon: ModelCard, device: Device) -> SimpleNamespace:
    """A production in a project of other people."""
    project = Project.objects.create(slug="elsewhere", name="Elsewhere")
    Membership.objects.create(project=project, user=stranger, role=Role.ARTIST)
    return production(project, stranger, device, "rival")
