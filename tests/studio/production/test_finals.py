"""What a draft's final will be: settled when the draft is made."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import Style, Take
from studio.ordering import submission
from studio.production import reviewing
from tests.studio.conftest import MakeTake, fresh

pytestmark = pytest.mark.django_db


def test_what_the_final_will_be_is_settled_when_the_draft_is_made(
    sent: MakeTake, reviewer: User, forecaster: Forecaster, toon: ModelCard
) -> None:
    fine = Style.objects.create(slug="fine", name="Fine", steps=90)
    draft = sent(style=fine)
    fine.delete()
    ModelCard.objects.filter(pk=toon.pk).update(final_steps=40)

    final = reviewing.approve(forecaster, fresh(draft).reviews.get(), reviewer)

    assert final.job.spec == draft.final_spec
    assert final.job.spec.steps == 90


def test_a_copy_of_a_draft_keeps_the_final_of_the_draft(
    sent: MakeTake, artist: User, forecaster: Forecaster
) -> None:
    fine = Style.objects.create(slug="fine", name="Fine", steps=90)
    draft = sent(style=fine)
    fine.delete()

    copy, _ = submission.clone(forecaster, fresh(draft), artist, seed=11)

    assert (copy.final_spec.steps, copy.final_spec.seed) == (90, 11)


def test_the_final_of_a_draft_from_before_follows_from_what_there_is_now(
    sent: MakeTake, reviewer: User, forecaster: Forecaster
) -> None:
    draft = sent()
    Take.objects.filter(pk=draft.pk).update(final_spec_data=None)

    final = reviewing.approve(forecaster, fresh(draft).reviews.get(), reviewer)

    assert final.job.spec.steps == 30
