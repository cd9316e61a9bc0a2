"""Clips over real processes: counted as they come, whole when they are there, clear when not."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.asking import ACCEPTED, STATUS
from tests.contract.real import Genga, follow, statuses

SMALL = {"type": "video", "width": 128, "height": 128, "steps": 2, "prompt": "1girl, sad"}


def ended(status: dict[str, Any]) -> bool:
    return status["status"] in ("completed", "failed", "cancelled")


def frames_in(path: Path) -> int:
    """Frames as ffprobe counts them by decoding all of them."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0"]
    command += ["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(path)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def fetched(output: dict[str, Any], folder: Path) -> Path:
    answer = httpx.get(output["url"], timeout=30)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == output["sha256"]
    path = folder / f"clip.{output['kind']}"
    path.write_bytes(answer.content)
    return path


def test_a_clip_counts_its_windows_and_frames_and_has_exactly_those(
    genga: Genga, tmp_path: Path
) -> None:
    accepted = genga.submit(**SMALL, frames=24)
    ACCEPTED.check(accepted)

    with follow(accepted["links"]["websocket"]) as line:
        heard = list(statuses(line))

    for status in heard:
        STATUS.check(status)
        assert status["frames_total"] == 24
    frames = [status["frames_complete"] for status in heard]
    assert frames == sorted(frames)
    assert heard[-1]["status"] == "completed", heard[-1]["error"]
    assert frames[-1] == 24
    stages = " ".join(status["stage"] for status in heard)
    assert "Denoising window" in stages
    (output,) = heard[-1]["outputs"]
    assert (output["kind"], output["media_type"]) == ("video", "video/mp4")
    assert (output["frames"], output["fps"]) == (24, 8.0)
    assert frames_in(fetched(output, tmp_path)) == 24


def test_seeking_is_answered_with_a_part_of_the_file(genga: Genga) -> None:
    status = genga.wait_for(genga.submit(**SMALL, frames=4)["job_id"], ended)
    (output,) = status["outputs"]

    part = httpx.get(output["url"], headers={"Range": "bytes=100-199"}, timeout=30)

    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 100-199/{output['bytes']}"
    assert len(part.content) == 100


def test_a_length_in_seconds_with_in_betweens(genga: Genga, tmp_path: Path) -> None:
    asked = {**SMALL, "duration": 0.5, "fps": 8, "interpolate": 2, "formats": ["gif"]}
    status = genga.wait_for(genga.submit(**asked)["job_id"], ended)

    assert status["status"] == "completed", status["error"]
    clip, gif = status["outputs"]
    assert (clip["frames"], clip["fps"], gif["media_type"]) == (7, 16.0, "image/gif")
    assert frames_in(fetched(clip, tmp_path)) == 7


def test_an_image_becomes_the_beginning_of_a_clip_and_is_enlarged(genga: Genga) -> None:
    image = genga.wait_for(genga.submit(steps=4)["job_id"], ended)
    (picture,) = image["outputs"]

    clip = genga.submit(**SMALL, frames=4, source=picture["id"])
    with genga.http() as script:
        answer = script.post(f"/api/anime/outputs/{picture['id']}/enhance", json={"upscale": 2})
    assert answer.status_code == 202, answer.text
    ACCEPTED.check(answer.json())
    larger = genga.wait_for(answer.json()["job_id"], ended)

    assert genga.wait_for(clip["job_id"], ended)["status"] == "completed"
    assert larger["status"] == "completed", larger["error"]
    assert larger["outputs"][0]["width"] == 2 * picture["width"]
    assert larger["steps_total"] == 0


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"frames": 1}, "frames"),
        ({"frames": 9999}, "frames"),
        ({"frames": 8, "duration": 2.0}, "duration"),
        ({"fps": 61}, "fps"),
        ({"interpolate": 3}, "interpolate"),
        ({"upscale": 8}, "upscale"),
        ({"formats": ["mov"]}, "formats"),
        ({"source": "12345678-1234-5678-1234-567812345678"}, "source"),
        ({"source": "x"}, "source"),
        ({"strength": 0.0}, "strength"),
        ({"width": 512, "height": 512}, "width"),
    ],
)
def test_a_bad_field_of_a_clip_is_named(genga: Genga, asked: dict[str, Any], field: str) -> None:
    with genga.http() as script:
        before = script.get("/api/anime/jobs").json()["total"]
        answer = script.post("/api/anime/generate", json={**SMALL, **asked})
        after = script.get("/api/anime/jobs").json()["total"]

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["allowed"]
    assert after == before


def test_a_worker_killed_while_it_writes_leaves_no_half_file(tmp_path: Path) -> None:
    """The clip is large enough for its encode to be met; another attempt makes it whole."""
    with Genga(tmp_path) as genga:
        job_id = genga.submit(**{**SMALL, "frames": 32, "steps": 1, "upscale": 4})["job_id"]
        genga.wait_for(job_id, lambda status: status["stage"].startswith("Writing frame"))

        genga.worker().kill()

        assert not list((tmp_path / "media").rglob(f"{job_id}*"))
        status = genga.wait_for(job_id, ended)
        assert status["status"] == "completed", status["error"]
        assert [attempt["outcome"] for attempt in status["attempts"]] == ["lost", "completed"]
        assert status["outputs"][0]["width"] == 512
        assert not list((tmp_path / "work").glob("*"))
