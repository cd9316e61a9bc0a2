"""What the contract's tests share: callers of the API, a second project, a performance history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.media.files import Shelf, StoredOutput
from generation.models import Attempt, Device, Job, JobEvent, Output
from generation.queue import lifecycle
from generation.queue.timings import Timing
from generation.states import Stage
from studio.models import ApiToken, Membership, Project, Role, Shot, Take
from tests.contract.asking import Caller
from tests.contract.real import Genga

REMOTE = "192.0.2.7"
"""An address that is not this machine: it needs a token."""

DECODING = 0.001
"""Seconds of every render in a test's history that do not grow with its steps."""

Rows = dict[str, int]
History = Callable[..., None]
Picture = Callable[[Job], Output]


@pytest.fixture(autouse=True)
def _quick_passwords_and_fresh_rates(settings: Any) -> Iterator[None]:
    """Key stretching is no test of the API, and one test's submits are not the next one's."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api(artist: User) -> Caller:
    """A script on this machine without a token: it acts for the artist."""
    return Caller()


@pytest.fixture
def remote(db: None) -> Callable[[User | None], Caller]:
    """A script on another machine with a person's token: `remote(stranger)`."""

    def caller(user: User | None) -> Caller:
        token = None if user is None else ApiToken.issue(user, "test")[1]
        return Caller(address=REMOTE, token=token)

    return caller


@pytest.fixture
def browser(artist: User) -> Client:
    """The artist's browser, logged in."""
    client = Client()
    client.force_login(artist)
    return client


@pytest.fixture
def lead(db: None, project: Project) -> User:
    """The project's admin."""
    user = User.objects.create_user("lead", password="lead")
    Membership.objects.create(project=project, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def foreign_project(stranger: User) -> Project:
    """A project that the artist is not a member of."""
    project = Project.objects.create(slug="secret", name="Secret")
    Membership.objects.create(project=project, user=stranger, role=Role.ADMIN)
    return project


@pytest.fixture
def rows() -> Callable[[], Rows]:
    """How many rows there are of everything that a submit writes."""
    tables = (Job, JobEvent, Take, Shot, Project, Membership)
    return lambda: {table.__name__: table.objects.count() for table in tables}


@pytest.fixture
def history(submit: Callable[..., Job], device: Device, estimator: Estimator) -> History:
    """Renders that took so many seconds: `history(3.0, steps=8)`, of the model's usual size.

    Each was estimated when it was submitted, so that ranges are as wide as the errors were.
    """

    def add(*seconds: float, **changes: Any) -> None:
        for run in seconds:
            job = submit(**{"width": 256, "height": 256, **changes})
            attempt = lifecycle.start(job, device)
            assert attempt is not None
            attempt.begun = monotonic() - run
            denoising = Timing(run - DECODING)
            timings = {Stage.DENOISE: denoising, Stage.DECODE: Timing(DECODING)}
            assert lifecycle.complete(attempt, [], timings, estimator.learn)

    return add


@pytest.fixture
def picture(device: Device, estimator: Estimator) -> Iterator[Picture]:
    """Finish a job with a real file: `picture(job)` is its output."""
    from PIL import Image

    made: list[Output] = []

    def finish(job: Job) -> Output:
        job.refresh_from_db()
        attempt = lifecycle.start(job, device)
        assert attempt is not None
        assert lifecycle.complete(
            attempt, [_stored(job, Image.new("RGB", (128, 128), "teal"))], {}, estimator.learn
        )
        made.append(job.outputs.get())
        return made[-1]

    yield finish
    for output in made:
        output.file.storage.delete(output.file.name)
        output.file.storage.delete(output.thumbnail.name)


def _stored(job: Job, image: Any) -> StoredOutput:
    today = timezone.now().date()
    return Shelf(job.pk, job.attempt_number + 1, today).picture(image, {})


@pytest.fixture
def running(submit: Callable[..., Job], device: Device) -> Attempt:
    """A job that a device has claimed."""
    attempt = lifecycle.start(submit(), device)
    assert attempt is not None
    return attempt


@pytest.fixture(scope="session")
def genga(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Genga]:
    """The real thing: `manage.py up` with its web server and worker, on a free port."""
    with Genga(tmp_path_factory.mktemp("genga")) as running:
        yield running
