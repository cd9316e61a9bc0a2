"""The signals that a running attempt reads from the database."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import Device, Job
from generation.queue import lifecycle, requests
from generation.states import Priority
from generation.worker.interruptions import Signals, ask
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def test_without_a_signal_the_attempt_continues(submit: Submit, claimed: Claim) -> None:
    job = claimed(submit()).job

    assert ask(job.pk, 1) == Signals(owned=True)


def test_a_job_that_was_taken_over_or_deleted_is_not_owned(submit: Submit, claimed: Claim) -> None:
    attempt = claimed(submit())
    lifecycle.hand_back(attempt)

    assert ask(attempt.job_id, 1) == Signals(owned=False)
    claimed(attempt.job)
    assert ask(attempt.job_id, 1) == Signals(owned=False)
    assert ask(attempt.job_id, 2).owned
    assert ask(uuid4(), 1) == Signals(owned=False)


def test_cancel_and_pause_are_signalled(submit: Submit, claimed: Claim) -> None:
    attempt = claimed(submit())
    Device.objects.update(pause="after_job")
    assert not ask(attempt.job_id, 1).pause_at_once
    Device.objects.update(pause="at_once")
    assert ask(attempt.job_id, 1) == Signals(owned=True, pause_at_once=True)

    requests.cancel(attempt.job)

    assert ask(attempt.job_id, 1) == Signals(owned=True, cancel=True, pause_at_once=True)


def test_waiting_urgent_work_is_signalled_in_the_same_query(submit: Submit, claimed: Claim) -> None:
    job = claimed(submit()).job

    def urgent() -> bool:
        with CaptureQueriesContext(connection) as captured:
            now = ask(job.pk, 1)
        assert len(captured) == 1
        return now.urgent

    submit(Priority.HIGH)
    assert not urgent()
    other = submit(Priority.URGENT)
    assert urgent()
    requests.hold(other)
    assert not urgent()
