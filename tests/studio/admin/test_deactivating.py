"""Deactivating a person asks what becomes of their jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generation.models import Device, Job
from generation.queue import lifecycle
from generation.states import Status
from tests.studio.admin.asking import address, filled, told

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


@pytest.fixture
def jobs(submit: Submit, device: Device) -> tuple[Job, Job]:
    """A job that runs and one that waits."""
    running, waiting = submit(), submit(seed=8)
    assert lifecycle.start(running, device)
    return running, waiting


def deactivate(client: Client, person: User, **chosen: str) -> Any:
    url = address(User, "change", person.pk)
    data = filled(client, url)
    del data["is_active"]
    return client.post(url, {**data, **chosen}, follow=True)


def states(jobs: tuple[Job, Job]) -> list[tuple[str, bool, bool]]:
    """Status, on hold, asked to stop."""
    for job in jobs:
        job.refresh_from_db()
    return [(job.status, job.is_held, job.cancel_requested_at is not None) for job in jobs]


RUNS = (Status.PROCESSING, False, False)


@pytest.mark.parametrize(
    ("choice", "becomes", "codes"),
    [
        ("hold", [RUNS, (Status.QUEUED, True, False)], {"jobs_held", "not_held"}),
        (
            "cancel",
            [(Status.PROCESSING, False, True), (Status.CANCELLED, False, False)],
            {"jobs_cancelled"},
        ),
        ("run", [RUNS, (Status.QUEUED, False, False)], {"jobs_run_on"}),
    ],
)
def test_the_jobs_become_what_was_chosen(
    choice: str,
    becomes: list[Any],
    codes: set[str],
    as_root: Client,
    artist: User,
    jobs: tuple[Job, Job],
) -> None:
    response = deactivate(as_root, artist, their_jobs=choice)

    artist.refresh_from_db()
    assert not artist.is_active
    assert states(jobs) == becomes
    assert codes <= set(told(response))


def test_what_is_told_about_the_jobs_does_not_make_the_page_keep_the_form(
    as_root: Client, artist: User, jobs: tuple[Job, Job]
) -> None:
    draft = "0123456789abcdef"
    url = address(User, "change", artist.pk)
    data = filled(as_root, url)
    del data["is_active"]

    response = as_root.post(url, {**data, "their_jobs": "run", "draft": draft})

    assert response.cookies[f"genga_taken_{draft}"].value == "1"


def test_the_form_proposes_to_hold_them(
    as_root: Client, artist: User, jobs: tuple[Job, Job]
) -> None:
    page = as_root.get(address(User, "change", artist.pk))

    assert "When the account is deactivated" in page.content.decode()
    assert page.context["adminform"].form["their_jobs"].value() == "hold"


def test_without_a_choice_nobody_is_deactivated(
    as_root: Client, artist: User, jobs: tuple[Job, Job]
) -> None:
    response = deactivate(as_root, artist, their_jobs="")

    errors = response.context["adminform"].form.errors.as_data()
    assert [error.code for error in errors["__all__"]] == ["jobs_not_decided"]
    artist.refresh_from_db()
    assert artist.is_active
    assert states(jobs) == [RUNS, (Status.QUEUED, False, False)]


def test_a_person_without_jobs_is_not_asked_about_any(as_root: Client, artist: User) -> None:
    assert "their_jobs" not in as_root.get(address(User, "change", artist.pk)).content.decode()

    deactivate(as_root, artist)

    artist.refresh_from_db()
    assert not artist.is_active


def test_other_changes_leave_the_jobs_alone(
    as_root: Client, artist: User, jobs: tuple[Job, Job]
) -> None:
    url = address(User, "change", artist.pk)
    as_root.post(url, {**filled(as_root, url), "first_name": "Aiko", "their_jobs": "cancel"})

    artist.refresh_from_db()
    assert artist.first_name == "Aiko"
    assert states(jobs) == [RUNS, (Status.QUEUED, False, False)]
