"""The real thing: web server and worker are processes, sockets are sockets, the model renders."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from studio.management import sentences
from tests.contract.asking import ACCEPTED, STATUS
from tests.contract.real import Genga, can_listen_on, follow, statuses

VIEWERS = 50
STEPS = 50
"""Enough steps to be interrupted between two of them."""
CURL = b'{"type": "image", "prompt": "test", "quality": "low"}'


def ended(status: dict[str, Any]) -> bool:
    return status["status"] in ("completed", "failed", "cancelled")


def rendering(status: dict[str, Any]) -> bool:
    return status["status"] == "processing" and status["steps_complete"] > 0


def picture_of(genga: Genga, status: dict[str, Any]) -> bytes:
    (output,) = status["outputs"]
    answer = httpx.get(output["url"], timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == output["media_type"] == "image/png"
    assert len(answer.content) == output["bytes"]
    assert hashlib.sha256(answer.content).hexdigest() == output["sha256"]
    return answer.content


def test_the_newcomers_curl_makes_a_picture(genga: Genga) -> None:
    answer = httpx.post(
        f"{genga.address}/api/anime/generate",
        content=CURL,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert answer.status_code == 202
    ACCEPTED.check(answer.json())
    status = genga.wait_for(answer.json()["job_id"], ended)
    STATUS.check(status)
    assert status["status"] == "completed", status["error"]
    with Image.open(io.BytesIO(picture_of(genga, status))) as image:
        assert (image.format, image.size) == ("PNG", (256, 256))


def test_the_socket_tells_every_change_from_the_queue_to_the_picture(genga: Genga) -> None:
    busy = genga.submit(steps=10)
    accepted = genga.submit(steps=30)

    with follow(accepted["links"]["websocket"]) as line:
        heard = list(statuses(line))

    for status in heard:
        STATUS.check(status)
        assert status["job_id"] == accepted["job_id"]
    words = [status["status"] for status in heard]
    assert list(dict.fromkeys(words)) == ["queued", "processing", "completed"], heard[-1]["error"]
    steps = [s["steps_complete"] for s in heard if s["status"] == "processing"]
    assert steps == sorted(steps)
    assert len(set(steps)) > 2, "steps were told while it ran"
    assert [s["gpu_queue_position"] for s in heard if s["status"] == "processing"] == [0] * len(
        steps
    )
    last = heard[-1]
    assert (last["progress"], last["steps_complete"], last["frames_complete"]) == (100.0, 30, 1)
    assert last["estimated_remaining"] == "done"
    assert genga.job(accepted["job_id"]) == last
    assert genga.wait_for(busy["job_id"], ended)["finished_at"] < last["finished_at"]


def test_the_same_seed_gives_the_same_file(genga: Genga) -> None:
    asked = {"prompt": "1girl, short pink hair", "seed": 7, "steps": 4}

    first, second, other = (
        genga.wait_for(genga.submit(**{**asked, **changes})["job_id"], ended)
        for changes in ({}, {}, {"seed": 8})
    )

    picture = picture_of(genga, first)
    assert picture_of(genga, second) == picture
    assert picture_of(genga, other) != picture
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (128, 128)


def test_a_cancel_stops_a_running_render_and_leaves_no_file(genga: Genga) -> None:
    job_id = genga.submit(steps=150)["job_id"]
    genga.wait_for(job_id, rendering)

    with genga.http() as script:
        answer = script.post(f"/api/anime/jobs/{job_id}/cancel")
    status = genga.wait_for(job_id, ended)

    assert answer.status_code == 200
    assert answer.json()["cancel_requested"] or answer.json()["status"] == "cancelled"
    assert status["status"] == "cancelled"
    assert status["steps_complete"] < 150
    assert status["outputs"] == []
    assert [attempt["outcome"] for attempt in status["attempts"]] == ["cancelled"]
    assert not list((genga.home / "media").rglob(f"{job_id}*"))


def test_a_waiting_job_can_be_moved_ahead(genga: Genga) -> None:
    running = genga.submit(steps=STEPS)
    patient, hasty = genga.submit(steps=2), genga.submit(steps=2)

    with genga.http() as script:
        moved = script.patch(f"/api/anime/jobs/{hasty['job_id']}", json={"priority": "urgent"})
    first, second = (genga.wait_for(job["job_id"], ended) for job in (hasty, patient))

    assert moved.status_code == 200
    assert moved.json()["priority"] == "urgent"
    assert first["started_at"] < second["started_at"]
    genga.wait_for(running["job_id"], ended)


def test_fifty_viewers_all_see_the_end(genga: Genga) -> None:
    accepted = genga.submit(steps=30)

    async def view() -> dict[str, Any]:
        async with connect(accepted["links"]["websocket"]) as line:
            async for text in line:
                status = json.loads(text)
                if ended(status):
                    return status
        raise AssertionError("the socket closed before the end")

    async def view_all() -> list[dict[str, Any]]:
        return await asyncio.wait_for(asyncio.gather(*(view() for _ in range(VIEWERS))), 60)

    seen = asyncio.run(view_all())

    assert len(seen) == VIEWERS
    assert all(status == seen[0] for status in seen)
    assert seen[0]["status"] == "completed"
    assert seen[0] == genga.job(accepted["job_id"])


def test_a_page_hears_of_what_the_worker_does(genga: Genga) -> None:
    with genga.http() as browser:
        browser.get("/login/")
        token = browser.cookies["genga_csrf"]
        form = {"username": "artist", "password": "artist", "csrfmiddlewaretoken": token}
        assert browser.post("/login/", data=form).status_code == 302
        session = browser.cookies["genga_session"]
    accepted = genga.submit(steps=30)
    address = f"ws://127.0.0.1:{genga.port}/ws/live/job/{accepted['job_id']}/"
    headers = {"Cookie": f"genga_session={session}"}

    pushed = ""
    with follow(address, origin=genga.address, additional_headers=headers) as line:
        while 'class="state completed"' not in pushed:
            pushed = str(line.recv(60))
            line.send("shown")

    assert "<img" in pushed, "the finished picture comes with the news"


def test_pages_and_people_that_may_not_are_kept_out(genga: Genga) -> None:
    accepted = genga.submit(steps=2)
    address = accepted["links"]["websocket"]

    with (
        pytest.raises(InvalidStatus),
        follow(address, origin="https://evil.example"),
    ):
        pass
    with (
        pytest.raises(InvalidStatus),
        follow(address, additional_headers={"Host": "evil.example"}),
    ):
        pass
    with (
        follow(address, additional_headers={"Authorization": "Bearer wrong"}) as line,
        pytest.raises(ConnectionClosed) as closed,
    ):
        line.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    with genga.http() as script:
        evil = {"Host": "evil.example"}
        assert script.get("/api/anime/queue", headers=evil).status_code == 400
        wrong = {"Authorization": "Bearer wrong"}
        assert script.get("/api/anime/queue", headers=wrong).status_code == 401


def test_ctrl_c_ends_everything_and_the_next_start_goes_on(genga: Genga) -> None:
    job_id = genga.submit(steps=STEPS)["job_id"]
    genga.wait_for(job_id, rendering)

    assert genga.stop() == 0

    assert "Stopping." in genga.said()
    assert genga.living_children() == []
    assert can_listen_on(genga.port)
    genga.start()
    status = genga.wait_for(job_id, ended)
    assert status["status"] == "completed", status["error"]
    assert [attempt["outcome"] for attempt in status["attempts"]] == ["handed_back", "completed"]


def test_a_killed_worker_is_started_again_and_its_job_goes_on(tmp_path: Path) -> None:
    with Genga(tmp_path) as genga:
        job_id = genga.submit(steps=STEPS)["job_id"]
        genga.wait_for(job_id, rendering)

        genga.worker().kill()

        status = genga.wait_for(job_id, ended)
        told = sentences.SIGNALLED.say(name="worker", signal="SIGKILL", seconds="1")
        assert told in genga.said()
        assert status["status"] == "completed", status["error"]
        assert [attempt["outcome"] for attempt in status["attempts"]] == ["lost", "completed"]
