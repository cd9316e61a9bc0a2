"""The doorbells: which devices are rung, who answers, and broken bells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import TestCase
from django.utils import timezone
from huey import RedisHuey

from generation.models import Device, Job
from generation.queue.doorbell import queue_for
from generation.worker import bells
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


@pytest.fixture(autouse=True)
def _quiet_bells() -> Iterator[None]:
    names = ("cpu:0", "cpu:1", "cpu:2")
    for name in names:
        queue_for(name).flush()
    yield
    for name in names:
        queue_for(name).flush()


def rung(*names: str) -> list[int]:
    """The number of times each device was rung."""
    return [queue_for(name).pending_count() for name in names]


def submit_and_commit(submit: Submit) -> Job:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return submit()


def online(name: str, **fields: Any) -> Device:
    return Device.objects.create(
        **{"name": name, "works": ["preview", "image"], "heartbeat_at": timezone.now(), **fields}
    )


def test_a_submit_rings_every_idle_device_that_takes_the_job(
    submit: Submit, device: Device
) -> None:
    online("cpu:1")
    online("cpu:2", works=["video"])

    submit_and_commit(submit)

    assert rung("cpu:0", "cpu:1", "cpu:2") == [1, 1, 0]


@pytest.mark.parametrize(
    "rules", [{"works": ["image"]}, {"largest_size": 64}, {"families": ["sdxl"]}], ids=str
)
def test_a_device_whose_rules_exclude_the_job_is_not_rung(
    rules: dict[str, Any], submit: Submit
) -> None:
    online("cpu:1", **rules)

    submit_and_commit(submit)

    assert rung("cpu:1") == [0]


def test_a_change_of_device_rules_rings_every_idle_device(submit: Submit, claimed: Claim) -> None:
    claimed(submit())
    online("cpu:1")
    online("cpu:2", pause="at_once")

    bells.ring_all()

    assert rung("cpu:0", "cpu:1", "cpu:2") == [0, 1, 0]


@pytest.mark.parametrize(
    "state",
    [
        {"pause": "after_job"},
        {"heartbeat_at": None},
        {"heartbeat_at": timezone.now() - timedelta(hours=1)},
    ],
    ids=["paused", "signed off", "silent"],
)
def test_an_unavailable_device_is_not_rung(state: dict[str, Any], submit: Submit) -> None:
    online("cpu:1", **state)

    submit_and_commit(submit)

    assert rung("cpu:1") == [0]


def test_a_busy_device_is_not_rung(submit: Submit, claimed: Claim) -> None:
    claimed(submit())

    submit_and_commit(submit)

    assert rung("cpu:0") == [0]


def test_a_submit_that_is_rolled_back_rings_no_device(submit: Submit, device: Device) -> None:
    with TestCase.captureOnCommitCallbacks(execute=False):
        submit()

    assert rung("cpu:0") == [0]


def test_a_job_that_was_deleted_meanwhile_rings_no_device(submit: Submit, device: Device) -> None:
    job = submit()
    job_id = job.pk
    job.delete()

    bells.ring_idle_devices(job_id=job_id)

    assert rung("cpu:0") == [0]


def test_a_broken_bell_does_not_affect_the_submit(
    submit: Submit,
    device: Device,
    settings: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file of one doorbell cannot be opened; the other device is still rung."""
    (tmp_path / "file").touch()
    settings.GENGA_HOME = tmp_path / "file"
    online("broken")

    job = submit_and_commit(submit)

    assert Job.objects.filter(pk=job.pk, status="queued").exists()
    assert "the bell of broken could not be rung" in caplog.text


def test_the_worker_of_the_device_answers_its_bell() -> None:
    answered: list[str] = []
    bells.on_bell("cpu:1", lambda: answered.append("cpu:1") or 0)

    bells.bell("cpu:1")()
    queue = queue_for("cpu:1")
    message = queue.dequeue()
    queue.execute(message)

    assert answered == ["cpu:1"]
    assert rung("cpu:1") == [0]


def test_each_device_has_one_queue_of_its_own_in_the_data_folder(settings: Any) -> None:
    assert queue_for("cpu:0") is queue_for("cpu:0")
    assert queue_for("cpu:0").name == "device-cpu-0"
    assert queue_for("cpu:1").name == "device-cpu-1"
    assert (Path(settings.GENGA_HOME) / "doorbell.sqlite3").is_file()


def test_with_a_redis_url_the_bell_is_in_redis(settings: Any) -> None:
    """Redis is connected at the first ring only, so this test needs no server."""
    settings.GENGA_REDIS_URL = "redis://localhost:6379/0"

    queue = queue_for("cuda:9")

    assert isinstance(queue, RedisHuey)
    assert queue.name == "device-cuda-9"
