"""The demo project: people, shots, characters and styles for whoever tries Genga out.

The people's passwords are their names on a site that only its own machine can reach (loopback).
On any other site they are drawn, and told once to whoever made the people.
"""

import json
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from generation.library import register
from generation.models import ModelCard
from studio.models import Character, Membership, Project, Sequence, Shot, Style

FIXTURES = Path(settings.BASE_DIR) / "fixtures"
MODELS = ("toon", "toon-motion")
"""The demo models; a motion adapter stands behind the model that it animates."""
ORDER_STEP = 10
PASSWORD_BYTES = 12

Passwords = dict[str, str]
"""Drawn passwords by user name. They are stored nowhere, so whoever gets them must show them."""


def load() -> Passwords:
    """Make the demo project with its people, and the demo model's card, where they are missing.

    A project that is there already is left alone with everything in it, however much people have
    changed or deleted. Returns the passwords that were drawn for new people; none on loopback.
    Raises SpecError when the demo model's folder is missing or damaged.
    """
    load_models()
    described = _read("project")
    with transaction.atomic():
        if Project.objects.filter(slug=described["slug"]).exists():
            return {}
        project = _project(described)
        drawn = _people(project)
        _characters(project)
        _styles()
    return drawn


def with_published_passwords() -> list[User]:
    """The demo people who can log in with their names as passwords."""
    names = [entry["username"] for entry in _read("people")]
    people = User.objects.filter(username__in=names, is_active=True).order_by("pk")
    return [person for person in people if person.check_password(person.username)]


def renew_passwords() -> Passwords:
    """Draw new passwords for the demo people who still have the published ones."""
    drawn: Passwords = {}
    with transaction.atomic():
        for person in with_published_passwords():
            drawn[person.username] = secrets.token_urlsafe(PASSWORD_BYTES)
            person.set_password(drawn[person.username])
            person.save(update_fields=["password"])
    return drawn


def load_models() -> None:
    """Write the demo models' cards where there are none, and renew those with other weights."""
    for slug in MODELS:
        folder = FIXTURES / "models" / slug
        known = ModelCard.objects.filter(slug=slug).values_list("weights_hash", flat=True).first()
        if known is not None and known == register.hash_weights(folder):
            continue
        # The folder's own card asks to be the default; a choice that people made is kept.
        chosen = ModelCard.objects.filter(is_default=True).exclude(slug__in=MODELS).exists()
        register.register(folder, slug, **({"is_default": False} if chosen else {}))


def _read(name: str) -> Any:
    return json.loads((FIXTURES / "demo" / f"{name}.json").read_text())


def _project(described: dict[str, Any]) -> Project:
    """The project with its sequences and shots, in the order of the file."""
    sequences = described.pop("sequences")
    project = Project.objects.create(**described)
    for number, entry in enumerate(sequences, 1):
        shots = entry.pop("shots")
        sequence = Sequence.objects.create(project=project, order=number * ORDER_STEP, **entry)
        Shot.objects.bulk_create(
            Shot(project=project, sequence=sequence, order=place * ORDER_STEP, **shot)
            for place, shot in enumerate(shots, 1)
        )
    return project


def _people(project: Project) -> Passwords:
    """Who is there already keeps their password and rights, and only joins the project."""
    drawn: Passwords = {}
    for entry in _read("people"):
        role = entry.pop("role")
        person = User.objects.filter(username=entry["username"]).first()
        if person is None:
            name, is_superuser = entry["username"], entry.pop("is_superuser", False)
            if not settings.ENVIRONMENT.is_open:
                drawn[name] = secrets.token_urlsafe(PASSWORD_BYTES)
            person = User.objects.create_user(
                password=drawn.get(name, name),
                is_staff=is_superuser,
                is_superuser=is_superuser,
                **entry,
            )
        Membership.objects.create(project=project, user=person, role=role)
    return drawn


def _characters(project: Project) -> None:
    for entry in _read("characters"):
        Character.objects.get_or_create(
            slug=entry.pop("slug"), defaults={"project": project, **entry}
        )


def _styles() -> None:
    """Shared with every project, so that sketches can use them too."""
    for entry in _read("styles"):
        model = ModelCard.objects.filter(slug=entry.pop("model")).first()
        Style.objects.get_or_create(slug=entry.pop("slug"), defaults={"model": model, **entry})
