"""Properties and querysets of the engine's models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.estimating.shapes import parse
from generation.media.files import StoredOutput
from generation.models import Device, DeviceTime, Job, ModelCard, Output, Progress, StageTiming
from generation.models.device_time import HALF_LIFE_SECONDS
from generation.queue import lifecycle, requests
from generation.states import Priority, Stage, Status
from tests.conftest import TOON
from tests.generation.conftest import TIMINGS, Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def test_shapes_of_enhancements_from_before_are_named(submit: Submit) -> None:
    drawn, enhanced = submit(), submit()
    shape = drawn.shape
    old = '{"guided":true,"height":128,"model":"toon","type":"image","upscale":2,"width":128}'
    Job.objects.filter(pk=enhanced.pk).update(shape=old)

    migration = import_module("generation.migrations.0015_shapes_name_their_kind")
    for _ in range(2):
        migration.name_enhancements(apps, None)

    assert Job.objects.get(pk=drawn.pk).shape == shape
    named = parse(Job.objects.get(pk=enhanced.pk).shape)
    assert (named.kind, named.upscale, named.subject) == ("enhance", 2, "")


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "generation", check=True, dry_run=True, stdout=StringIO())


def test_waiting_jobs_come_in_the_order_of_the_queue(submit: Submit, claimed: Claim) -> None:
    low, normal, urgent = submit(Priority.LOW), submit(), submit(Priority.URGENT)
    claimed(running := submit())
    requests.cancel(submit())

    assert list(Job.objects.waiting()) == [urgent, normal, low]
    assert list(Job.objects.processing()) == [running]
    assert set(Job.objects.active()) == {low, normal, urgent, running}


def test_held_jobs_are_separate_in_the_order_of_their_hold(submit: Submit) -> None:
    first, second, waits = submit(), submit(), submit()
    requests.hold(second)
    requests.hold(first)

    assert list(Job.objects.held()) == [second, first]
    assert list(Job.objects.waiting()) == [waits]
    assert set(Job.objects.active()) == {first, second, waits}


@pytest.mark.parametrize(
    ("saved", "steps", "left"), [(0, 4, 1.0), (1, 4, 0.75), (4, 4, 0.0), (9, 4, 0.0)]
)
def test_left_is_the_share_without_a_snapshot(
    saved: int, steps: int, left: float, submit: Submit
) -> None:
    job = submit(steps=steps)
    job.saved_steps = saved

    assert job.left == left


def test_jobs_for_pages_take_a_fixed_number_of_queries(submit: Submit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            for job in Job.objects.for_pages():
                assert (job.owner.username, job.progress.percent) == ("artist", 0.0)
                assert list(job.outputs.all()) == []
        return len(captured)

    submit()
    before = queries()
    submit(), submit(), submit()

    assert queries() == before == 2


def test_str_of_a_job_is_its_status_and_prompt(submit: Submit) -> None:
    job = submit(prompt="1girl, " * 20)

    assert str(job) == "Waiting: " + ("1girl, " * 20)[:60]
    assert job.state is Status.QUEUED
    assert (job.may_cancel, job.may_retry, job.is_cancelling) == (True, False, False)


def test_a_completed_job_may_be_neither_cancelled_nor_retried(
    submit: Submit, claimed: Claim, estimator: Estimator
) -> None:
    job = submit()
    lifecycle.complete(claimed(job), [], {}, estimator.learn)
    job.refresh_from_db()

    assert (job.may_cancel, job.may_retry) == (False, False)


def test_str_of_the_rows(
    submit: Submit, claimed: Claim, stored: StoredOutput, estimator: Estimator
) -> None:
    job = submit()
    attempt = claimed(job)
    Progress.objects.filter(pk=job.pk).update(stage=Stage.DENOISE, percent=41.7)
    assert str(Progress.objects.get(pk=job.pk)) == "Denoising 42 %"

    lifecycle.complete(attempt, [stored], TIMINGS, estimator.learn)

    assert str(attempt) == "Attempt 1 on cpu:0: completed"
    assert attempt.outcome_label == "Completed"
    assert str(StageTiming.objects.get(stage=Stage.LOAD)) == "load 0.500 s"
    assert str(Output.objects.get()) == "image 128x128"
    assert [str(event) for event in job.events.all()] == [
        "1 job.queued",
        "2 job.claimed",
        "3 job.completed",
    ]


SILENT = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "online"),
        ({"pause": "after_job"}, "paused"),
        ({"heartbeat_at": None}, "away"),
        ({"heartbeat_at": timezone.now() - SILENT}, "away"),
        ({"heartbeat_at": None, "pause": "after_job"}, "away"),
    ],
)
def test_a_device_is_online_paused_or_away(fields: dict[str, Any], state: str) -> None:
    device = Device(**{"name": "cuda:0", "heartbeat_at": timezone.now(), **fields})

    assert (device.state, str(device)) == (state, "cuda:0")
    device.save()
    assert Device.objects.online().exists() is (state != "away")
    assert Device.objects.idle().exists() is (state == "online")


@pytest.mark.parametrize(
    ("pause", "label"),
    [("after_job", "Finish this and stop"), ("at_once", "Hand back now and stop")],
)
def test_a_paused_device_has_the_label_of_its_pause(pause: str, label: str) -> None:
    device = Device.objects.create(name="cuda:0", pause=pause, works=["preview", "video"])

    assert (device.is_paused, device.get_pause_display()) == (True, label)
    assert device.work_labels == ["Draft images", "Videos"]


def test_device_time_decays(artist: User) -> None:
    now = timezone.now()
    DeviceTime.add(artist.pk, 60.0, now - timedelta(seconds=HALF_LIFE_SECONDS))

    had = DeviceTime.objects.get()
    assert had.at(now) == pytest.approx(30.0)
    assert had.at(now - timedelta(days=1)) == 60.0, "a clock that was set back adds nothing"
    assert str(had) == "artist: 60 s"


def test_a_device_is_away_after_five_missed_heartbeats(settings: Any) -> None:
    settings.GENGA_HEARTBEAT_SECONDS = 2.0
    now = timezone.now()

    assert Device.oldest_heartbeat(now) == now - timedelta(seconds=10)


def test_a_device_that_runs_a_job_is_not_idle(
    submit: Submit, claimed: Claim, device: Device, estimator: Estimator
) -> None:
    attempt = claimed(submit())
    assert not Device.objects.idle().exists()

    lifecycle.complete(attempt, [], {}, estimator.learn)

    assert Device.objects.idle().get() == device


@pytest.mark.parametrize(("quality", "steps"), [("draft", 8), ("standard", 20), ("final", 30)])
def test_a_model_has_steps_for_each_quality(quality: str, steps: int, toon: ModelCard) -> None:
    assert toon.steps_for(quality) == steps


def test_a_models_smallest_size_is_rounded_up_to_a_multiple(toon: ModelCard) -> None:
    toon.min_size = 129

    assert (toon.limits.min_size, toon.limits.max_size) == (136, 256)
    assert toon.limits.types == ("image",)
    assert str(toon) == "Toon"


def test_a_models_limits_include_the_capabilities_of_its_family(toon: ModelCard) -> None:
    limits = toon.limits
    assert (limits.lora, limits.accelerates, limits.begins_with_picture) == (True, True, False)
    toon.family = "animatediff"
    assert toon.limits.begins_with_picture


def test_a_models_folder_is_absolute_or_relative_to_the_project(
    toon: ModelCard, tmp_path: Path
) -> None:
    toon.folder = "fixtures/models/toon"
    assert toon.path == TOON

    toon.folder = str(tmp_path)
    assert toon.path == tmp_path


def test_active_models_are_listed_with_the_default_first(toon: ModelCard) -> None:
    other = ModelCard.objects.create(slug="aaa", name="Aaa", family="stable-diffusion")
    ModelCard.objects.create(slug="off", name="A", is_active=False, is_default=True)

    assert list(ModelCard.objects.active()) == [toon, other]
    assert ModelCard.objects.making("image") == [toon]
    ModelCard.objects.update(is_active=False)
    assert ModelCard.objects.making("image") == []
