"""schemathesis holds every call of the API to its OpenAPI description.

It sends the edges of every described field and a bounded number of drawn requests, valid and not,
always the same ones. No worker runs: what is submitted waits, and is taken back after each call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings

from generation.errors import OutOfMemory
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle, requests, trash
from studio.models import ApiToken, Character, Project, Shot, Style
from tests.contract.asking import Caller
from tests.contract.conftest import Picture

pytestmark = pytest.mark.django_db

SEED = 20
DRAWN = 10
"""Drawn requests for each call. The edges of its fields come on top."""

bounded = settings(
    max_examples=DRAWN,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
schema = schemathesis.openapi.from_wsgi(
    "/api/openapi.json", get_wsgi_application(), config=schemathesis.Config(seed=SEED)
)
EXCLUDED = [
    # A description cannot say which names exist, which cursors were given, or which fields go
    # together: a request of the right form may be refused with 422.
    "positive_data_acceptance",
    # The rights matrix asks every call without a token, and `test_access` with wrong ones. Here it
    # would send each accepted request twice more.
    "ignored_auth",
]
schema.config.checks.update(excluded_check_names=EXCLUDED)

NAMES = {
    "model": "toon",
    "project": "harbour",
    "shot": "sh010",
    "character": "mira",
    "style": "ink",
    "upscaler": "lanczos",
}
"""What `rows` makes, by the fields that name it."""


@dataclass
class Rows:
    """What calls find: the ids that paths may name, and names for the fields of a request."""

    ids: dict[str, list[UUID]]
    names: dict[str, str]


@pytest.fixture
def rows(
    api: Caller,
    artist: User,
    stranger: User,
    shot: Shot,
    project: Project,
    foreign_project: Project,
    toon: ModelCard,
    toon_motion: ModelCard,
    device: Device,
    picture: Picture,
) -> Rows:
    """A job in each state, one of others, and one of everything that has a name."""
    Character.objects.create(slug="mira", name="Mira", project=project, look="1girl")
    Style.objects.create(slug="ink", name="Ink", template="{prompt}, ink")

    def submitted() -> Job:
        answer = api.submit(project="harbour", shot="sh010", steps=4)
        return Job.objects.get(pk=answer["job_id"])

    waiting, held, cancelled, done, deleted, failed, running, foreign = (
        submitted() for _ in range(8)
    )
    requests.hold(held)
    requests.cancel(cancelled)
    output = picture(done)
    picture(deleted)
    deleted.refresh_from_db()
    assert trash.put(deleted)
    lost = lifecycle.start(failed, device)
    assert lost is not None
    assert lifecycle.fail(lost, OutOfMemory("It needs 9 GB."), {})
    assert lifecycle.start(running, device) is not None
    Job.objects.filter(pk=foreign.pk).update(owner=stranger, scope=foreign_project.group)
    jobs = (waiting, held, cancelled, done, deleted, failed, running, foreign)
    return Rows(
        {"job_id": [job.pk for job in jobs] + [uuid4()], "output_id": [output.pk, uuid4()]},
        {**NAMES, "source": str(output.pk)},
    )


@pytest.fixture
def token(rows: Rows, artist: User, settings: Any) -> Iterator[str]:
    """The artist's token, without which nothing is answered.

    Calls do not close the connection of the test's transaction, as in Django's own test client.
    """
    settings.GENGA_API_IS_OPEN = False
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield ApiToken.issue(artist, "test")[1]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@bounded
def test_every_answer_is_as_described(case: schemathesis.Case, rows: Rows, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for _ in variants(case, rows):
        with taken_back():
            answer = case.call(headers=headers)
            case.validate_response(answer, headers=headers)


def variants(case: schemathesis.Case, rows: Rows) -> Iterator[None]:
    """The case as it was drawn, and if it is valid, with the names and ids of what is there."""
    assert case.meta is not None
    yield
    if case.meta.generation.mode.is_negative:
        return
    fields = case.body if isinstance(case.body, dict) else case.query
    known = {name: value for name, value in rows.names.items() if name in fields}
    fields.update(known)
    if known and not case.path_parameters:
        yield
    for name in case.path_parameters:
        for key in rows.ids[name]:
            case.path_parameters = {name: str(key)}
            yield


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo what a call writes, in the database and in the count of submits."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    cache.clear()
