"""Clips on pages: the player and its downloads, the chart, covers with a strip."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from PIL import Image

from generation.live.events import EventKind, job_group
from generation.models import Device, Job
from generation.scheduling.forecast import Forecaster
from studio.live.fragments import Topic, render_job
from studio.models import Take
from tests.studio.clips import FPS, FRAMES, SIZE, ball, finish_clip, output_of
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

MOVED = {str(EventKind.COMPLETED)}


@pytest.fixture
def clip(queued: MakeTake, device: Device, tmp_path: Path) -> Take:
    """A take of twelve frames that jumps at the seventh."""
    return finish_clip(queued(), device, tmp_path, ball(cut=6), others=("gif", "webm", "apng"))


@pytest.fixture
def client(log_in: LogIn, artist: User) -> Client:
    return log_in(artist)


def html_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.fixture(params=["take", "job"])
def page(request: pytest.FixtureRequest, client: Client, clip: Take) -> str:
    key = clip.pk if request.param == "take" else clip.job_id
    return html_of(client, reverse(request.param, args=[key]))


def test_the_page_holds_a_player_of_the_clip_with_its_size_rate_and_poster(
    page: str, clip: Take
) -> None:
    video = output_of(clip)
    player = re.search(r"<genga-player[^>]*>", page)
    assert player is not None
    for told in (f'id="player-{video.pk}"', f'data-frames="{FRAMES}"', f'data-fps="{FPS}"'):
        assert told in player[0]
    tag = re.search(r"<video[^>]*>", page)
    assert tag is not None
    width, height = SIZE
    for told in (f'width="{width}"', f'height="{height}"', 'preload="metadata"', "muted", "loop"):
        assert told in tag[0]
    assert f'poster="{reverse("output-thumbnail", args=[video.pk])}"' in tag[0]


def test_the_browser_chooses_between_what_it_may_play(page: str, clip: Take) -> None:
    sources = re.findall(r'<source src="([^"]+)" type="([^"]+)">', page)

    assert sources == [
        (reverse("output", args=[output_of(clip, kind).pk]), f"video/{ending}")
        for kind, ending in (("video", "mp4"), ("webm", "webm"))
    ]


def test_every_file_can_be_downloaded_and_says_its_size(page: str, clip: Take) -> None:
    listed = re.findall(r'<a href="([^"]+)\?download=1">(\w+)</a>.*?figures">([^<]+)<', page)

    assert [word for _, word, _ in listed] == ["MP4", "GIF", "WebM", "APNG", "Frames"]
    for (address, _, size), output in zip(listed, clip.job.outputs.all(), strict=True):
        assert address == reverse("output", args=[output.pk])
        assert re.match(r"[\d.]+\s(bytes|KB)", size)


def test_the_chart_marks_the_frame_that_jumps_and_leads_to_it(page: str) -> None:
    assert "jumps at frame 7." in page
    assert "Frame 7 jumps" in page
    assert '<button class="button small figures" type="button" data-seek="6"' in page
    assert page.count('<th scope="row">') >= FRAMES


def test_without_measures_there_is_no_chart(client: Client, clip: Take) -> None:
    clip.job.outputs.update(consistency=None)
    page = html_of(client, reverse("take", args=[clip.pk]))

    assert "<genga-player" in page
    assert "<genga-chart" not in page


def test_a_clip_that_renders_has_its_controls_place_already(
    client: Client, running: MakeTake
) -> None:
    take = running()
    made = {**take.job.spec_data, "type": "video", "frames": 24, "fps": 12.0}
    Job.objects.filter(pk=take.job_id).update(spec_data=made, type="video")
    page = html_of(client, reverse("job", args=[take.job_id]))

    assert '<fieldset class="transport" aria-label="Player" disabled>' in page
    assert "/ 24</span>" in page
    assert "<genga-player" not in page


@pytest.mark.parametrize("name", ["gallery", "shot", "project", "dashboard"])
def test_a_card_shows_poster_length_and_strip(name: str, client: Client, clip: Take) -> None:
    args = {"shot": ["harbour", "sh010"], "project": ["harbour"]}.get(name, [])
    html = html_of(client, reverse(name, args=args))
    video = output_of(clip)

    assert f'src="{reverse("output-thumbnail", args=[video.pk])}"' in html
    assert f'data-strip="{reverse("output-strip", args=[video.pk])}" data-tiles="12"' in html
    assert "2.0 s" in html
    assert "<video" not in html, "a board of clips would fetch them all"


def test_a_picture_has_neither_player_nor_strip_nor_length(
    client: Client, finished: MakeTake
) -> None:
    take = finished()
    for address in (take.get_absolute_url(), reverse("gallery")):
        html = html_of(client, address)
        assert "<genga-player" not in html
        assert "data-strip" not in html
        assert "badge" not in html


def test_the_finished_clip_is_pushed_large_to_pages_of_it_and_small_to_boards(
    clip: Take, forecaster: Forecaster
) -> None:
    own, project = Topic(job_group(clip.job_id)), Topic(clip.shot.project.group)
    parts = render_job(forecaster, str(clip.job_id), MOVED, [own, project])

    large, chart = (parts[own][f"{clip.job_id}:{name}"] for name in ("large", "consistency"))
    assert "<genga-player" in large
    assert "hx-preserve" in large
    assert "<genga-chart" in chart
    assert parts[project][f"large:{clip.job_id}"] == large
    assert parts[project][f"consistency:{clip.job_id}"] == chart
    small = parts[project][f"{clip.job_id}:picture"]
    assert "data-strip" in small
    assert "<genga-player" not in small


def test_the_strip_is_a_row_of_tiles(client: Client, clip: Take) -> None:
    response = client.get(reverse("output-strip", args=[output_of(clip).pk]))

    assert response["Content-Type"] == "image/webp"
    strip = Image.open(io.BytesIO(b"".join(response)))  # type: ignore[call-overload]
    assert strip.size == (SIZE[0] * 12, SIZE[1])
