"""GET /metrics: what Prometheus reads, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from generation.errors import OutOfMemory
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle, requests
from generation.states import Priority
from tests.contract.asking import Caller
from tests.contract.conftest import History

pytestmark = pytest.mark.django_db

METRICS = "/metrics"
Remote = Callable[[User | None], Caller]


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("watcher", password="watcher", is_staff=True)


@pytest.fixture
def scraped(remote: Remote, staff: User) -> Callable[[], dict[Any, float]]:
    """The figures as a scraper reads them: by name and labels."""

    def read() -> dict[Any, float]:
        answer = remote(staff).get(METRICS)
        assert answer.status_code == 200
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
        }

    return read


def test_a_fresh_house_has_figures_and_no_accuracy(scraped: Callable[[], dict[Any, float]]) -> None:
    found = scraped()

    assert found[("genga_jobs", ("status", "queued"))] == 0
    assert found[("genga_jobs_waiting", ("priority", "urgent"))] == 0
    assert found[("genga_estimates_judged",)] == 0
    assert ("genga_estimates_within_20_ratio",) not in found


def test_jobs_by_status_and_priority(
    scraped: Callable[[], dict[Any, float]], submit: Callable[..., Job], device: Device
) -> None:
    submit(priority=Priority.URGENT)
    submit()
    requests.hold(submit())
    assert lifecycle.start(submit(), device) is not None

    found = scraped()

    assert found[("genga_jobs", ("status", "queued"))] == 3
    assert found[("genga_jobs", ("status", "processing"))] == 1
    assert found[("genga_jobs_waiting", ("priority", "urgent"))] == 1
    assert found[("genga_jobs_waiting", ("priority", "normal"))] == 1
    assert found[("genga_jobs_held",)] == 1


def test_devices(
    scraped: Callable[[], dict[Any, float]], submit: Callable[..., Job], device: Device
) -> None:
    Device.objects.filter(pk=device.pk).update(host_load=0.75, memory_bytes=8, free_bytes=5)
    away = timezone.now() - timedelta(hours=1)
    Device.objects.create(
        name="cpu:1", kind="cpu", pause="after_job", heartbeat_at=away, free_bytes=7
    )
    Device.objects.create(name="cpu:2", kind="cpu")
    lifecycle.start(submit(), device)

    found = scraped()

    for name, values in {
        "genga_device_online": (1, 0, 0),
        "genga_device_paused": (0, 1, 0),
        "genga_device_busy": (1, 0, 0),
        "genga_device_host_load": (0.75, 0, 0),
        "genga_device_memory_bytes": (8, 0, 0),
    }.items():
        assert tuple(found[(name, ("device", f"cpu:{n}"))] for n in range(3)) == values
    assert found[("genga_device_free_bytes", ("device", "cpu:0"))] == 5
    assert ("genga_device_free_bytes", ("device", "cpu:1")) not in found
    assert found[("genga_worker_heartbeat_age_seconds", ("device", "cpu:0"))] < 60
    assert found[("genga_worker_heartbeat_age_seconds", ("device", "cpu:1"))] >= 3600
    assert ("genga_worker_heartbeat_age_seconds", ("device", "cpu:2")) not in found


def test_attempts_and_their_seconds(
    scraped: Callable[[], dict[Any, float]],
    submit: Callable[..., Job],
    device: Device,
    history: History,
) -> None:
    history(2.0, 3.0)
    failing = lifecycle.start(submit(), device)
    assert failing is not None
    lifecycle.fail(failing, OutOfMemory("no room"), {})

    found = scraped()

    completed, failed = (
        (("device", "cpu:0"), ("outcome", outcome)) for outcome in ("completed", "failed")
    )
    assert found[("genga_attempts_total", *completed)] == 2
    assert found[("genga_attempts_total", *failed)] == 1
    assert found[("genga_run_seconds_total", *completed)] == pytest.approx(5.0, abs=0.1)


def test_the_accuracy_of_the_last_days(
    scraped: Callable[[], dict[Any, float]], history: History
) -> None:
    history(10.0, 20.0, 11.0, 10.0)
    for attempt in Attempt.objects.all():
        Attempt.objects.filter(pk=attempt.pk).update(run_seconds=round(attempt.run_seconds or 0))
    Job.objects.update(estimated_seconds=10.0, estimated_low=9.0, estimated_high=10.5)

    found = scraped()

    assert found[("genga_estimates_judged",)] == 4
    assert found[("genga_estimates_within_20_ratio",)] == 0.75
    assert found[("genga_estimates_coverage_ratio",)] == 0.5
    assert found[("genga_estimates_median_error_ratio",)] == pytest.approx((1 / 11) / 2)


def test_nobody_is_refused_with_the_way_in(remote: Remote) -> None:
    answer = remote(None).get(METRICS)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "GENGA_METRICS_TOKEN" in answer.content.decode()


def test_this_machine_needs_a_token_too(api: Caller) -> None:
    assert api.get(METRICS).status_code == 401


def test_a_wrong_token_is_refused_even_with_a_staff_session(staff: User) -> None:
    client = Client()
    client.force_login(staff)

    answer = client.get(METRICS, HTTP_AUTHORIZATION="Bearer genga_nonsense")

    assert answer.status_code == 401


def test_people_who_are_not_staff_are_refused(
    remote: Remote, artist: User, browser: Client
) -> None:
    assert remote(artist).get(METRICS).status_code == 403
    assert browser.get(METRICS).status_code == 403


def test_a_staff_session_may_read(staff: User) -> None:
    client = Client()
    client.force_login(staff)

    answer = client.get(METRICS)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.parametrize(("token", "code"), [("watch-ö-me", 200), ("watch", 401), ("", 401)])
def test_the_token_of_the_settings(db: None, settings: Any, token: str, code: int) -> None:
    settings.GENGA_METRICS_TOKEN = "watch-ö-me"

    assert Caller(token=token).get(METRICS).status_code == code


def test_without_the_setting_no_empty_token_opens_it(db: None, settings: Any) -> None:
    settings.GENGA_METRICS_TOKEN = ""

    assert Caller(token="").get(METRICS).status_code == 401


def test_it_is_only_read(api: Caller) -> None:
    assert api.post(METRICS).status_code == 405


def test_a_scraper_that_asks_for_openmetrics_gets_it(remote: Remote, staff: User) -> None:
    answer = remote(staff).get(METRICS, accept="application/openmetrics-text; version=1.0.0")

    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")
