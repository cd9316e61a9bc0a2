"""Model cards: one default, and only possible settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from generation.errors import ModelChanged
from generation.library import weights
from generation.library.register import register
from generation.models import ModelCard
from tests.studio.admin.asking import act, address, filled, text, told


def test_there_is_one_default_model(as_root: Client, toon: ModelCard) -> None:
    other = ModelCard.objects.create(
        slug="other", name="Other", family="f", folder="/nowhere", types=["image"]
    )
    assert told(act(as_root, ModelCard, "set_as_default", other)) == ["is_default"]
    assert [card.slug for card in ModelCard.objects.filter(is_default=True)] == ["other"]


def test_default_must_be_one_active_model(as_root: Client, toon: ModelCard) -> None:
    other = ModelCard.objects.create(
        slug="other", name="Other", family="f", folder="/nowhere", is_active=False
    )
    for chosen in ([other], [toon, other]):
        answer = act(as_root, ModelCard, "set_as_default", *chosen)
        assert told(answer) == ["choose_one_active"]
    assert ModelCard.objects.get(is_default=True) == toon


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 300}, "Allowed: multiples of 8 from 128 to 256 pixels."),
        ({"height": 130}, "Allowed: multiples of 8 from 128 to 256 pixels."),
        ({"draft_steps": 50}, "A better quality never has fewer steps."),
        ({"min_size": ""}, "This field is required."),
    ],
)
def test_impossible_settings_are_refused(
    as_root: Client, toon: ModelCard, change: dict[str, Any], sentence: str
) -> None:
    url = address(ModelCard, "change", toon.pk)
    assert sentence in text(as_root.post(url, filled(as_root, url) | change))


def test_settings_are_changed_and_weights_are_not(as_root: Client, toon: ModelCard) -> None:
    url = address(ModelCard, "change", toon.pk)
    sent = filled(as_root, url) | {"guidance": 5, "weights_hash": "f", "family": "x"}
    assert as_root.post(url, sent).status_code == 302
    toon.refresh_from_db()
    assert (toon.guidance, toon.family, toon.is_default) == (5, "stable-diffusion", True)
    assert toon.weights_hash == "0" * 64


@pytest.fixture
def changed(toon: ModelCard, tmp_path: Path) -> ModelCard:
    """A registered model in whose folder a file was edited afterwards, as a load has found."""
    folder = tmp_path / "toon"
    shutil.copytree(toon.path, folder)
    card = register(folder, "toon")
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ModelChanged):
        weights.verify(card)
    card.refresh_from_db()
    return card


def test_a_model_that_changed_on_disk_is_shown_to_leads_with_what_they_can_do(
    as_root: Client, changed: ModelCard
) -> None:
    url = address(ModelCard, "change", changed.pk)
    page = text(as_root.get(url))

    assert "Changed on disk" in text(as_root.get(address(ModelCard)))
    assert "Changed on disk" in page
    assert 'value="accept_files"' in page
    assert 'value="deactivate"' in page


def test_a_lead_accepts_the_files_on_disk(as_root: Client, changed: ModelCard) -> None:
    ModelCard.objects.update(guidance=9.0)

    assert told(act(as_root, ModelCard, "accept_files", changed)) == ["weights_accepted"]

    card = ModelCard.objects.get()
    assert (card.changed_at, card.guidance) == (None, 9.0)
    assert card.weights_hash != changed.weights_hash
    weights.verify(card)
    url = address(ModelCard, "change", card.pk)
    assert 'value="accept_files"' not in text(as_root.get(url))


def test_files_that_are_no_model_are_not_accepted(as_root: Client, changed: ModelCard) -> None:
    (changed.path / "model_index.json").unlink()

    assert told(act(as_root, ModelCard, "accept_files", changed)) == ["no_model_index"]

    assert ModelCard.objects.get().changed_at is not None


def test_files_that_cannot_be_read_are_not_accepted_and_the_page_names_no_path(
    as_root: Client, changed: ModelCard
) -> None:
    (changed.path / "notes.txt").symlink_to("/proc/self/mem")

    answer = act(as_root, ModelCard, "accept_files", changed)

    assert told(answer) == ["file_unreadable"]
    assert str(changed.path) not in text(answer)


def test_a_lead_switches_a_changed_model_off(as_root: Client, changed: ModelCard) -> None:
    assert told(act(as_root, ModelCard, "deactivate", changed)) == ["deactivated"]

    assert not ModelCard.objects.get().is_active
