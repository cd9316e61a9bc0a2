"""Fragments: what is pushed to each kind of viewer, and what must not be in it."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.auth.models import User

from generation.live.events import QUEUE_GROUP, EventKind, job_group
from generation.models import Device, Job
from generation.queue import requests
from generation.scheduling.forecast import Forecaster
from studio.live import fragments
from studio.live.fragments import Topic, render_job
from studio.models import Shot
from studio.production import reviewing
from tests.studio.conftest import PROMPT, MakeTake, finish_job, fresh

pytestmark = pytest.mark.django_db

PROGRESS = {str(EventKind.PROGRESS)}
FINISHED = {str(EventKind.PROGRESS), str(EventKind.COMPLETED)}


@pytest.fixture
def topics(shot: Shot) -> dict[str, Topic]:
    return {"queue": Topic(QUEUE_GROUP), "project": Topic(shot.project.group)}


def test_progress_pushes_bar_and_picture_and_only_the_bar_to_the_queue(
    running: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = running()
    own = Topic(job_group(take.job_id))

    parts = render_job(forecaster, str(take.job_id), PROGRESS, [*topics.values(), own])

    bar, picture = f"{take.job_id}:progress", f"{take.job_id}:picture"
    assert set(parts[topics["queue"]]) == {bar}
    assert set(parts[topics["project"]]) == set(parts[own]) == {bar, picture}
    assert 'value="22.2"' in parts[own][bar]
    assert "Denoising, step 2 of 8" in parts[own][bar]
    assert "data:image/webp;base64,UklGRg==" in parts[own][picture]


def test_a_change_of_state_pushes_all_fragments_to_the_jobs_page(
    running: MakeTake, forecaster: Forecaster
) -> None:
    take = running()
    own = Topic(job_group(take.job_id))

    names = render_job(forecaster, str(take.job_id), {str(EventKind.CLAIMED)}, [own])[own]

    shown = {name.partition(":")[2] for name in names}
    assert shown == {"progress", "large", "state", "history", "settings", "consistency"}


def test_a_change_of_state_pushes_the_shots_fragments_to_the_project(
    running: MakeTake, topics: dict[str, Topic], device: Device, forecaster: Forecaster
) -> None:
    take = running()
    project = topics["project"]
    moved = render_job(forecaster, str(take.job_id), {str(EventKind.CLAIMED)}, [project])[project]
    shot, job = take.shot_id, take.job_id

    always = {f"shot:{shot}", f"takes:{shot}", f"take:{take.pk}", f"settings:{job}"}
    always |= {f"large:{job}", f"consistency:{job}"}
    assert set(moved) == always | {f"{job}:progress", f"{job}:picture"}
    assert f"finished:{job}" not in moved


def test_a_finished_job_is_added_to_the_recently_finished_ones(
    finished: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = finished()
    project = topics["project"]

    parts = render_job(forecaster, str(take.job_id), FINISHED, [project])[project]

    text = parts[f"finished:{take.job_id}"]
    assert 'hx-swap-oob="afterbegin:#finished"' in text
    assert f"/outputs/{fresh(take).output.pk}/thumbnail/" in text


def test_the_queues_fragments_contain_no_prompt_and_no_picture(
    queued: MakeTake, running: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = running()
    queued()
    queue = topics["queue"]

    parts = render_job(forecaster, str(take.job_id), {str(EventKind.CLAIMED)}, [queue])[queue]

    assert set(parts) == {"devices", "waiting"}
    text = "".join(parts.values())
    assert PROMPT not in text
    assert "data:image" not in text
    assert "/outputs/" not in text
    assert "artist" in text, "who waits is everybody's to see"


def test_the_waiting_list_is_pushed_alone_and_only_when_jobs_wait(
    queued: MakeTake, running: MakeTake, forecaster: Forecaster
) -> None:
    running()
    assert fragments.render_waiting(forecaster) == {}

    take = queued()
    (text,) = fragments.render_waiting(forecaster).values()
    assert f'data-job="{take.job_id}"' in text
    assert "data-moved" not in text, "nobody's buttons change by it"


def test_jobs_on_hold_are_in_a_separate_list(queued: MakeTake, forecaster: Forecaster) -> None:
    waiting, held = queued(), queued()
    requests.hold(held.job)
    Job.objects.filter(pk=held.job_id).update(saved_steps=3)

    text = fragments.render_queue(forecaster)["waiting"]

    assert text.index(str(waiting.job_id)) < text.index("On hold") < text.index(str(held.job_id))
    assert "Resumes after step 3." in text
    assert "until released" in text


def test_a_device_that_runs_a_batch_says_how_many_are_in_it(
    running: MakeTake, device: Device, forecaster: Forecaster
) -> None:
    for _ in range(4):
        running()

    assert "with 3 others in one batch" in fragments.render_queue(forecaster)["devices"]


def test_a_device_that_takes_only_some_work_says_which(
    device: Device, forecaster: Forecaster
) -> None:
    assert "only" not in fragments.render_queue(forecaster)["devices"]
    Device.objects.update(works=["video", "interpolate"])

    assert "Videos, Interpolation only" in fragments.render_queue(forecaster)["devices"]


def test_pushed_fragments_contain_no_form_and_no_token(
    sent: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = sent()
    own = Topic(job_group(take.job_id))

    parts = render_job(
        forecaster, str(take.job_id), {"take.review_requested"}, [*topics.values(), own]
    )

    text = "".join(text for each in parts.values() for text in each.values())
    assert not re.search(r"<form|csrf|<button|<input", text)


def test_every_pushed_fragment_names_its_target(
    sent: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = sent()
    own = Topic(job_group(take.job_id))

    parts = render_job(
        forecaster, str(take.job_id), {str(EventKind.COMPLETED)}, [*topics.values(), own]
    )

    for each in parts.values():
        for name, text in each.items():
            assert re.match(r"\s*<[a-z]+[^>]*hx-swap-oob=", text), name


def test_a_prompt_is_escaped_in_every_fragment(
    queued: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = queued(prompt="<img src=x onerror=alert(1)>")
    own = Topic(job_group(take.job_id))

    parts = render_job(
        forecaster, str(take.job_id), {str(EventKind.QUEUED)}, [*topics.values(), own]
    )

    text = "".join(text for each in parts.values() for text in each.values())
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_a_script_gets_the_status_with_urls_of_its_own_host(
    finished: MakeTake, forecaster: Forecaster
) -> None:
    take = finished()
    script = Topic(job_group(take.job_id), "https://genga.example")

    parts = render_job(forecaster, str(take.job_id), FINISHED, [script])[script]

    status = json.loads(parts["status"])
    assert status["status"] == "completed"
    assert status["outputs"][0]["url"].startswith("https://genga.example/outputs/")


def test_a_deleted_job_pushes_nothing(topics: dict[str, Topic], forecaster: Forecaster) -> None:
    gone = "00000000-0000-4000-8000-000000000000"

    assert render_job(forecaster, gone, PROGRESS, topics.values()) == {}


def card_of(shot: Shot) -> dict[str, object]:
    return fragments.shots_with_best(Forecaster(), [shot])[0]


def test_a_shot_without_takes_has_no_picture(shot: Shot) -> None:
    card = card_of(shot)

    assert (card["take"], card["takes"]) == (None, 0)


def test_a_shots_card_shows_its_newest_picture_and_its_running_take(
    finished: MakeTake, running: MakeTake, shot: Shot
) -> None:
    finished()
    newest, rendering = finished(), running()
    card = card_of(shot)

    assert (card["take"], card["rendering"], card["takes"]) == (newest, rendering, 3)


def test_a_final_precedes_an_approved_take_which_precedes_a_newer_one(
    sent: MakeTake,
    finished: MakeTake,
    reviewer: User,
    shot: Shot,
    device: Device,
    forecaster: Forecaster,
) -> None:
    approved = sent()
    final = reviewing.approve(forecaster, approved.reviews.get(), reviewer)
    finished()
    assert card_of(shot)["take"] == approved

    finish_job(final, device)
    assert card_of(shot)["take"] == final
