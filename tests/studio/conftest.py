"""What the studio's tests share: more people, takes in every state, clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from PIL import Image

from generation.errors import ModelMissing
from generation.estimating.estimator import Estimator
from generation.media.files import Shelf
from generation.models import Attempt, Device, ModelCard, Progress
from generation.queue import lifecycle, requests
from generation.queue.timings import Timing
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Stage
from studio.models import Membership, Project, Role, Shot, Take
from studio.ordering import submission
from studio.ordering.request import RenderRequest
from studio.production import reviewing

MakeTake = Callable[..., Take]
LogIn = Callable[[User], Client]
Took = Callable[..., None]

PROMPT = "1girl, short pink hair, blue eyes"
DECODING = 0.001
"""Seconds of every render in a test's history that do not grow with its steps."""


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Half a second of key stretching for each person is no test of the studio."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """WhiteNoise warns of a folder that `collectstatic` has not made yet."""
    Path(django_settings.STATIC_ROOT).mkdir(exist_ok=True)


@pytest.fixture
def colleague(project: Project) -> User:
    """An artist of the same project who did not ask for the renders at hand."""
    return member(project, "colleague", Role.ARTIST)


@pytest.fixture
def lead(project: Project) -> User:
    """The project's admin."""
    return member(project, "lead", Role.ADMIN)


@pytest.fixture
def boss(db: None) -> User:
    """A superuser who is a member of nothing."""
    return User.objects.create_superuser("boss", password="boss")


@pytest.fixture
def log_in() -> LogIn:
    """A client that acts for somebody: `log_in(artist)`."""

    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
def queued(shot: Shot, artist: User, toon: ModelCard, forecaster: Forecaster) -> MakeTake:
    """Submit a take as a page would: `queued(quality=Quality.FINAL)`."""

    def submit_take(user: User | None = None, **asked: Any) -> Take:
        wish = {"prompt": PROMPT, "quality": Quality.DRAFT, "shot": shot, "width": 128}
        request = RenderRequest(**{**wish, "height": 128, **asked})
        return submission.submit(forecaster, request, user or artist)[0]

    return submit_take


@pytest.fixture
def running(queued: MakeTake, device: Device) -> MakeTake:
    """A take that renders: its second step of eight is done."""

    def start(**asked: Any) -> Take:
        take = queued(**asked)
        started = lifecycle.start(take.job, device)
        assert started is not None
        Progress.objects.filter(pk=take.job_id).update(
            stage=Stage.DENOISE,
            steps_complete=2,
            percent=22.2,
            remaining_seconds=30.0,
            preview=b"RIFF",
            updated_at=timezone.now(),
        )
        return fresh(take)

    return start


@pytest.fixture
def finished(queued: MakeTake, device: Device) -> MakeTake:
    """A take with its picture in the storage."""

    def finish(**asked: Any) -> Take:
        take = queued(**asked)
        finish_job(take, device)
        return fresh(take)

    return finish


@pytest.fixture
def took(queued: MakeTake, device: Device, estimator: Estimator) -> Took:
    """Write a history: `took({Quality.DRAFT: 4.0})`, in seconds; then the model is loaded.

    Each render was estimated when it was submitted, so that ranges are as wide as the errors were.
    """

    def remember(seconds: Mapping[Quality, float], times: int = 8, **asked: Any) -> None:
        for quality, run in seconds.items():
            for _ in range(times):
                attempt = lifecycle.start(queued(quality=quality, **asked).job, device)
                assert attempt is not None
                denoising = Timing(run - DECODING)
                attempt.begun = monotonic() - run
                timings = {Stage.DENOISE: denoising, Stage.DECODE: Timing(DECODING)}
                assert lifecycle.complete(attempt, [], timings, estimator.learn)
        Device.objects.filter(pk=device.pk).update(resident=["toon"])

    return remember


@pytest.fixture
def take_in(request: pytest.FixtureRequest) -> MakeTake:
    """A take whose job is in the named state."""

    def reach(state: str) -> Take:
        made = {"held": "queued", "queued": "queued", "finished": "finished"}.get(state, "running")
        take: Take = request.getfixturevalue(made)()
        attempt = Attempt.objects.filter(job=take.job).first()
        if state in ("cancelling", "cancelled"):
            requests.cancel(take.job)
        if state == "held":
            requests.hold(take.job)
        if state == "cancelled":
            assert attempt is not None
            lifecycle.end_cancelled(attempt, {})
        if state == "failed":
            assert attempt is not None
            lifecycle.fail(attempt, ModelMissing("The folder is gone."), {})
        return take

    return reach


@pytest.fixture
def sent(finished: MakeTake, artist: User) -> MakeTake:
    """A take that waits for a verdict."""

    def send(message: str = "", **asked: Any) -> Take:
        take = finished(**asked)
        reviewing.request_review(take, artist, message)
        return fresh(take)

    return send


def member(project: Project, name: str, role: Role) -> User:
    """A new person of a project."""
    user = User.objects.create_user(name, password=name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


def finish_job(take: Take, device: Device) -> Attempt:
    """Let a device render a take that waits; the picture is a plain square."""
    attempt = lifecycle.start(take.job, device)
    assert attempt is not None
    spec = take.job.spec
    shelf = Shelf(take.job_id, attempt.number, timezone.now().date())
    picture = Image.new("RGB", (spec.width, spec.height), "#6fb3d9")
    stored = shelf.picture(picture, {"spec": spec.as_json()})
    timings = {Stage.DENOISE: Timing(0.2, [0.05] * 4), Stage.WRITE: Timing(0.1)}
    assert lifecycle.complete(attempt, [stored], timings, Estimator().learn)
    return attempt


def fresh(take: Take) -> Take:
    """The take as a page reads it now."""
    return Take.objects.for_pages().get(pk=take.pk)
