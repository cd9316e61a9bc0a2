"""ws/jobs/<id>/: the status object as JSON, first as it is, then at every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from generation.errors import OutOfMemory
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle, requests
from generation.scheduling.forecast import Forecaster
from studio.live import fragments
from studio.models import ApiToken
from tests.contract.asking import STATUS, Caller
from tests.contract.conftest import REMOTE, Picture
from tests.contract.listening import QUIET, listen, refusal, report_step, status_heard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

start = database_sync_to_async(lifecycle.start)
fail = database_sync_to_async(lifecycle.fail)
cancel = database_sync_to_async(requests.cancel)
end_cancelled = database_sync_to_async(lifecycle.end_cancelled)


@pytest.fixture
def job(submit: Callable[..., Job]) -> Job:
    """A waiting job of the artist's."""
    return submit()


@pytest.fixture
def token(artist: User) -> str:
    return ApiToken.issue(artist, "script")[1]


def address(job: Job) -> str:
    return f"/ws/jobs/{job.pk}/"


async def test_the_present_state_comes_first_and_then_every_change(
    job: Job, device: Device, picture: Picture
) -> None:
    async with listen(address(job)) as line:
        present = await status_heard(line)
        STATUS.check(present)
        assert (present["status"], present["gpu_queue_position"]) == ("queued", 1)

        attempt = await start(job, device)
        begun = await status_heard(line)
        STATUS.check(begun)
        assert (begun["status"], begun["gpu_queue_position"]) == ("processing", 0)
        assert begun["attempts"][0]["outcome"] == "running"

        for step in (1, 3):
            await report_step(job, step)
            running = await status_heard(line)
            assert (running["steps_complete"], running["progress"]) == (step, 10.0 * step)

        await fail(attempt, OutOfMemory("It needs 9 GB."), {})
        failed = await status_heard(line)
        STATUS.check(failed)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "out_of_memory")
        assert await line.receive_nothing(QUIET)


async def test_the_finished_job_comes_with_the_address_of_its_file(
    job: Job, picture: Picture
) -> None:
    async with listen(address(job), host="localhost:8328") as line:
        await status_heard(line)
        output = await database_sync_to_async(picture)(job)
        done = await status_heard(line)
        while done["status"] != "completed":
            done = await status_heard(line)

    STATUS.check(done)
    assert done["outputs"][0]["url"] == f"http://localhost:8328/outputs/{output.pk}/"


async def test_the_socket_tells_what_the_api_answers(job: Job, running: Attempt) -> None:
    async with listen(address(running.job)) as line:
        assert (
            await status_heard(line)
            == await database_sync_to_async(lambda: Caller().job(running.job_id))()
        )


async def test_a_cancel_is_told_when_it_is_asked_and_when_it_is_done(running: Attempt) -> None:
    async with listen(address(running.job)) as line:
        await status_heard(line)

        assert await cancel(running.job)
        asked = await status_heard(line)
        assert (asked["status"], asked["cancel_requested"]) == ("processing", True)

        assert await end_cancelled(running, {})
        assert (await status_heard(line))["status"] == "cancelled"


async def test_an_ended_job_tells_its_end_at_once(job: Job) -> None:
    await cancel(job)

    async with listen(address(job)) as line:
        assert (await status_heard(line))["status"] == "cancelled"


async def test_changes_of_other_jobs_are_not_told(
    job: Job, submit: Callable[..., Job], device: Device
) -> None:
    other = await database_sync_to_async(submit)()

    async with listen(address(job)) as line:
        await status_heard(line)
        await start(other, device)
        await report_step(other, 1)
        assert await line.receive_nothing(QUIET)


async def test_quick_changes_are_told_as_the_newest_state(job: Job, device: Device) -> None:
    async with listen(address(job)) as line:
        await status_heard(line)
        await start(job, device)
        for step in range(1, 10):
            await report_step(job, step)

        told = [(await status_heard(line))["steps_complete"]]
        # The newest state may be told twice: its row is read when an older change is told late.
        while told[-1] < 9 or not await line.receive_nothing(QUIET):
            told.append((await status_heard(line))["steps_complete"])

        assert len(told) < 10, "fewer than there were changes"
        assert told == sorted(told)
        assert told[-1] == 9


async def test_a_token_is_as_good_from_anywhere(job: Job, token: str) -> None:
    async with listen(address(job), address=REMOTE, token=token) as line:
        assert (await status_heard(line))["job_id"] == str(job.pk)


async def test_a_page_of_ours_may_listen_by_its_session(job: Job, browser: Client) -> None:
    session = browser.cookies["genga_session"].value
    page = {"session": session, "origin": "http://testserver", "address": REMOTE}

    async with listen(address(job), **page) as line:
        assert (await status_heard(line))["job_id"] == str(job.pk)


@pytest.mark.parametrize(
    "who",
    [
        {"address": REMOTE},
        {"address": REMOTE, "token": "wrong"},
        {"token": "wrong"},
        {"origin": "http://testserver"},
        {"origin": "https://evil.example"},
        {"origin": "http://testserver:9000"},
        {"origin": "http://["},
        {"origin": "null"},
        {"host": "evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"host": ""},
    ],
    ids=str,
)
async def test_whoever_is_nobody_is_refused(who: dict[str, Any], job: Job) -> None:
    assert await refusal(address(job), **who) == 4403


async def test_a_foreign_page_is_refused_although_the_browser_sends_its_session(
    job: Job, browser: Client
) -> None:
    session = browser.cookies["genga_session"].value

    assert await refusal(address(job), session=session, origin="https://evil.example") == 4403


async def test_a_foreign_page_is_refused_although_it_knows_a_token(job: Job, token: str) -> None:
    assert await refusal(address(job), token=token, origin="https://evil.example") == 4403


async def test_a_job_that_is_not_there_is_unknown(artist: User) -> None:
    assert await refusal(f"/ws/jobs/{uuid4()}/") == 4404


@pytest.mark.parametrize("path", ["/ws/nope/", "/ws/jobs/nope/", "/"])
async def test_every_other_address_is_unknown(artist: User, path: str) -> None:
    assert await refusal(path) == 4404


async def test_a_job_of_others_is_unknown(submit: Callable[..., Job], stranger: User) -> None:
    foreign = await database_sync_to_async(submit)(owner=stranger)

    assert await refusal(address(foreign)) == 4404


async def test_nobody_is_let_in_when_the_local_user_is_gone(job: Job, settings: Any) -> None:
    settings.GENGA_LOCAL_USER = "nobody"

    assert await refusal(address(job)) == 4403


async def test_a_status_is_made_once_for_all_who_ask_under_one_name(
    job: Job, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[str] = Counter()
    real = fragments.job_status

    def counted(forecaster: Forecaster, job: Job, *, base: str) -> dict[str, Any]:
        made[base] += 1
        return real(forecaster, job, base=base)

    monkeypatch.setattr(fragments, "job_status", counted)
    async with (
        listen(address(job)) as first,
        listen(address(job)) as second,
        listen(address(job), host="localhost") as third,
    ):
        for line in (first, second, third):
            await status_heard(line)
        await start(job, device)
        told = [await status_heard(line) for line in (first, second, third)]

    assert {status["status"] for status in told} == {"processing"}
    assert made == {"http://testserver": 1, "http://localhost": 1}
