"""Fragments: what each kind of watcher is pushed, and what nobody else may see in it."""

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


def test_progress_is_pushed_as_bar_and_picture_and_to_the_queue_as_bar_alone(
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


def test_a_jobs_own_page_is_pushed_everything_when_its_state_moved(
    running: MakeTake, forecaster: Forecaster
) -> None:
    take = running()
    own = Topic(job_group(take.job_id))

    names = render_job(forecaster, str(take.job_id), {str(EventKind.CLAIMED)}, [own])[own]

    shown = {name.partition(":")[2] for name in names}
    assert shown == {"progress", "large", "state", "history", "settings", "consistency"}


def test_a_project_is_pushed_card_takes_review_and_what_finished(
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


def test_a_finished_job_joins_what_finished_lately(
    finished: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = finished()
    project = topics["project"]

    parts = render_job(forecaster, str(take.job_id), FINISHED, [project])[project]

    text = parts[f"finished:{take.job_id}"]
    assert 'hx-swap-oob="afterbegin:#finished"' in text
    assert f"/outputs/{fresh(take).output.pk}/thumbnail/" in text


def test_the_queue_names_no_prompt_and_no_picture(
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


def test_what_waits_is_pushed_alone_and_not_at_all_when_nothing_does(
    queued: MakeTake, running: MakeTake, forecaster: Forecaster
) -> None:
    running()
    assert fragments.render_waiting(forecaster) == {}

    take = queued()
    (text,) = fragments.render_waiting(forecaster).values()
    assert f'data-job="{take.job_id}"' in text
    assert "data-moved" not in text, "nobody's buttons change by it"


def test_what_is_on_hold_stands_in_a_list_of_its_own(
    queued: MakeTake, forecaster: Forecaster
) -> None:
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


def test_what_is_pushed_holds_no_form_and_no_token(
    sent: MakeTake, topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    take = sent()
    own = Topic(job_group(take.job_id))

    parts = render_job(
        forecaster, str(take.job_id), {"take.review_requested"}, [*topics.values(), own]
    )

    text = "".join(text for each in parts.values() for text in each.values())
    assert not re.search(r"<form|csrf|<button|<input", text)


def test_every_pushed_fragment_says_where_it_goes(
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


def test_a_prompt_is_text_in_every_fragment(
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


def test_a_script_is_pushed_the_status_with_the_addresses_it_knows(
    finished: MakeTake, forecaster: Forecaster
) -> None:
    take = finished()
    script = Topic(job_group(take.job_id), "https://genga.example")

    parts = render_job(forecaster, str(take.job_id), FINISHED, [script])[script]

    status = json.loads(parts["status"])
    assert status["status"] == "completed"
    assert status["outputs"][0]["url"].startswith("https://genga.example/outputs/")


def test_a_job_that_is_gone_is_shown_to_nobody(
    topics: dict[str, Topic], forecaster: Forecaster
) -> None:
    gone = "00000000-0000-4000-8000-000000000000"

    assert render_job(forecaster, gone, PROGRESS, topics.values()) == {}


def card_of(shot: Shot) -> dict[str, object]:
    return fragments.shots_with_best(Forecaster(), [shot])[0]


def test_a_shot_without_takes_has_no_picture(shot: Shot) -> None:
    card = card_of(shot)

    assert (card["take"], card["takes"]) == (None, 0)


def test_a_shot_is_shown_by_its_newest_picture_and_says_what_renders(
    finished: MakeTake, running: MakeTake, shot: Shot
) -> None:
    finished()
    newest, rendering = finished(), running()
    card = card_of(shot)

    assert (card["take"], card["rendering"], card["takes"]) == (newest, rendering, 3)


def test_an_approved_take_stands_before_a_newer_one_and_its_final_before_both(
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
