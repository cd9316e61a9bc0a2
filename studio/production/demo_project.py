"""The demo project: people, shots, characters and styles for whoever tries Genga out.

The people's passwords are their names. That is right for a site that only its own machine can
reach (loopback) and for nothing else: change the passwords, or delete the people, before the site
listens on any other address.
"""

import json
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


def load() -> None:
    """Make the demo project with its people, and the demo model's card, where they are missing.

    A project that is there already is left alone with everything in it, however much people have
    changed or deleted. Raises SpecError when the demo model's folder is missing or damaged.
    """
    load_models()
    described = _read("project")
    with transaction.atomic():
        if Project.objects.filter(slug=described["slug"]).exists():
            return
        project = _project(described)
        _people(project)
        _characters(project)
        _styles()


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


def _people(project: Project) -> None:
    """Who is there already keeps their password and rights, and only joins the project."""
    for entry in _read("people"):
        role = entry.pop("role")
        person = User.objects.filter(username=entry["username"]).first()
        if person is None:
            is_superuser = entry.pop("is_superuser", False)
            person = User.objects.create_user(
                password=entry["username"],
                is_staff=is_superuser,
                is_superuser=is_superuser,
                **entry,
            )
        Membership.objects.create(project=project, user=person, role=role)


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
