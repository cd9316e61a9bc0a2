"""Going on from a finished take: larger or smoother, as a take of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from safetensors.numpy import save_file

from generation import refusals
from generation.errors import SpecError
from generation.models import Job, ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import Take
from studio.ordering import submission
from tests.studio.conftest import LogIn, MakeTake, fresh

pytestmark = pytest.mark.django_db


def enhance(client: Client, take: Take, **typed: Any) -> Any:
    return client.post(reverse("take-enhance", args=[take.pk]), typed)


def test_a_larger_one_is_a_take_of_the_same_shot(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = finished()
    output = take.job.outputs.get()

    response = enhance(log_in(artist), take, upscale="2")

    larger = Take.objects.order_by("-number")[0]
    assert response.url == reverse("job", args=[larger.job_id])
    assert (larger.shot, larger.number, larger.prompt) == (take.shot, 2, take.prompt)
    spec = larger.job.spec
    assert spec.source is not None
    assert (spec.source.file, spec.source.sha256) == (output.file.name, output.sha256)
    assert not spec.draws
    assert spec.delivered_size == (2 * output.width, 2 * output.height)
    assert (spec.denoising_steps, spec.upscaler != "") == (0, True)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, refusals.NOTHING_ASKED.say()),
        ({"interpolate": "2"}, refusals.ONLY_FOR_CLIPS.say(field="interpolate")),
        ({"formats": ["gif"]}, refusals.ONLY_FOR_CLIPS.say(field="formats")),
        ({"upscale": "3"}, "Choose 2 or 4 times"),
    ],
)
def test_what_cannot_be_made_is_told_and_starts_nothing(
    typed: dict[str, Any], sentence: str, finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    client, take = log_in(artist), finished()

    response = enhance(client, take, **typed)

    assert response.url == take.get_absolute_url()
    assert sentence in client.get(response.url).content.decode()
    assert Take.objects.count() == 1


def test_strangers_find_nothing(finished: MakeTake, log_in: LogIn, stranger: User) -> None:
    assert enhance(log_in(stranger), finished(), upscale="2").status_code == 404


def test_only_a_finished_take_can_be_enhanced(
    queued: MakeTake, artist: User, forecaster: Forecaster
) -> None:
    with pytest.raises(SpecError) as refused:
        submission.enhance(forecaster, queued(), artist, upscale=2)

    assert (refused.value.field, refused.value.code) == ("take", "no_finished_file")


def test_an_enhancement_does_not_need_its_model_any_more(
    finished: MakeTake, artist: User, forecaster: Forecaster
) -> None:
    take = finished()
    ModelCard.objects.update(types=[], is_active=False)

    larger, made = submission.enhance(forecaster, take, artist, upscale=4)

    assert larger.job.spec == made.spec


def test_a_page_offers_to_go_on_once_there_is_a_file(
    finished: MakeTake, queued: MakeTake, log_in: LogIn, artist: User
) -> None:
    client = log_in(artist)

    assert (
        "Begin a clip with this picture"
        in client.get(finished().get_absolute_url()).content.decode()
    )
    assert "Enhance this take" not in client.get(queued().get_absolute_url()).content.decode()


def test_the_upscaler_may_be_chosen_also_one_of_ones_own(
    finished: MakeTake, artist: User, settings: Any, tmp_path: Any, forecaster: Forecaster
) -> None:
    settings.GENGA_HOME = tmp_path
    (tmp_path / "upscalers").mkdir()
    save_file(
        {"body.0.weight": np.zeros((4, 3, 3, 3), np.float32)},
        tmp_path / "upscalers" / "our-network.safetensors",
    )

    chosen = [
        submission.enhance(forecaster, finished(), artist, upscale=2, upscaler=name)[
            1
        ].spec.upscaler
        for name in ("lanczos", "our-network", None)
    ]

    assert chosen == ["lanczos", "our-network", "realesr-animevideov3"]


def test_an_upscaler_that_there_is_not_is_told(
    finished: MakeTake, artist: User, forecaster: Forecaster
) -> None:
    with pytest.raises(SpecError) as problem:
        submission.enhance(forecaster, finished(), artist, upscale=2, upscaler="magic")

    assert problem.value.field == "upscaler"
    assert "lanczos" in problem.value.allowed


def test_what_was_made_larger_is_not_sent_to_review(
    finished: MakeTake, log_in: LogIn, artist: User, forecaster: Forecaster
) -> None:
    larger, _ = submission.enhance(forecaster, finished(), artist, upscale=2)
    Job.objects.filter(pk=larger.job_id).update(status="completed")

    assert not fresh(larger).may_enter_review


def test_the_estimate_of_an_api_query_takes_lists(toon_motion: ModelCard, artist: User) -> None:
    query = "type=video&prompt=test&formats=gif&formats=webm&loop=true&interpolate=2&frames=8"

    answer = Client().get(f"/api/anime/estimate?{query}")

    assert answer.status_code == 200, answer.content
    assert "(16 frames," in answer.json()["message"]
