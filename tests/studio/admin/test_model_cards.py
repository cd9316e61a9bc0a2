"""Model cards: one default, and only possible settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

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
