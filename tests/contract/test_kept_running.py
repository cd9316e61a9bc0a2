"""`manage.py up` outlives its processes: one that ends again and again takes no other down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from generation.models import absences
from studio.management import sentences
from studio.management.backoff import Patience
from tests.contract.asking import BOARD
from tests.contract.real import Genga, can_listen_on, wait_until

QUICK = {
    "GENGA_RESTART_SECONDS": "0.1",
    "GENGA_SET_ASIDE_SECONDS": "15",
    "GENGA_HEARTBEAT_SECONDS": "1",
    "GENGA_CALIBRATE": "0",
}


def device(genga: Genga, name: str) -> dict[str, Any]:
    answer = httpx.get(f"{genga.address}/api/anime/queue", timeout=30).json()
    BOARD.check(answer)
    found: dict[str, Any] = next(one for one in answer["devices"] if one["name"] == name)
    return found


def kill(genga: Genga, word: str) -> None:
    """End a process as the kernel does, as soon as it is there."""
    wait_until(lambda: genga.child(word), f"there is a process of {word}")
    process = genga.child(word)
    assert process is not None
    process.kill()
    wait_until(lambda: not psutil.pid_exists(process.pid), "its end is seen")


def answers(genga: Genga) -> bool:
    try:
        return httpx.get(f"{genga.address}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_only_the_device_whose_worker_is_killed_again_and_again_is_set_aside_and_the_site_goes_on(
    tmp_path: Path,
) -> None:
    with Genga(tmp_path, "cpu:0", "cpu:1", **QUICK) as genga:
        wait_until(lambda: device(genga, "cpu:1")["state"] == "online", "both work")
        for _ in range(Patience().ends):
            kill(genga, "cpu:1")

        wait_until(lambda: device(genga, "cpu:1")["set_aside"], "the device is set aside")
        failing = device(genga, "cpu:1")
        assert failing["state"] == "away"
        assert failing["set_aside"]["code"] == absences.ENDED_BY_KILL.code
        assert device(genga, "cpu:0")["set_aside"] is None
        assert genga.child("cpu:1") is None
        job_id = genga.submit(steps=2)["job_id"]
        done = genga.wait_for(job_id, lambda job: job["status"] == "completed")
        assert done["device"] == "cpu:0"

        kill(genga, "daphne")
        wait_until(lambda: answers(genga), "the web server is there again")

        wait_until(lambda: device(genga, "cpu:1")["state"] == "online", "it is tried again")
        assert device(genga, "cpu:1")["set_aside"] is None
        assert sentences.TRIED_AGAIN.say(name="worker of cpu:1") in genga.said()
        genga.look()
        started = time.monotonic()
        assert genga.stop() == 0
        assert time.monotonic() - started < 20
        assert genga.living_children() == []
        assert can_listen_on(genga.port)
