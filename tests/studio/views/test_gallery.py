"""The gallery: every finished take one may see, by filter and page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from studio.models import Character, Membership, Project, Shot, Style, Take
from studio.production import reviewing
from studio.views import gallery
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(log_in: LogIn, artist: User, project: Project, toon: ModelCard) -> Client:
    return log_in(artist)


def shown(client: Client, **query: Any) -> list[Take]:
    """The takes on a page of the gallery."""
    response = client.get(reverse("gallery"), query)
    assert response.status_code == 200
    return [card["take"] for card in response.context["cards"]]


def test_finished_pictures_are_shown_the_newest_first(
    client: Client, finished: MakeTake, queued: MakeTake, running: MakeTake
) -> None:
    first, second = finished(), finished()
    queued()
    running()

    assert shown(client) == [second, first]


def test_a_stranger_finds_nothing(finished: MakeTake, log_in: LogIn, stranger: User) -> None:
    finished()

    assert shown(log_in(stranger)) == []


def test_an_empty_gallery_offers_the_first_render(client: Client) -> None:
    html = client.get(reverse("gallery")).content.decode()

    assert "No take yet." in html
    assert "Render the first" in html


def test_filters_without_a_match_offer_to_show_all(client: Client, finished: MakeTake) -> None:
    finished()
    html = client.get(reverse("gallery"), {"words": "elephant"}).content.decode()

    assert "No take matches these filters." in html
    assert "Show all" in html


def test_pictures_are_found_by_project(client: Client, finished: MakeTake, artist: User) -> None:
    other = Project.objects.create(slug="other", name="Other")
    Membership.objects.create(project=other, user=artist)
    here = finished()
    there = finished(shot=Shot.objects.create(project=other, slug="sh1", name="One"))

    assert shown(client, project="harbour") == [here]
    assert shown(client, project="other") == [there]


def test_pictures_are_found_by_character_and_style(
    client: Client, finished: MakeTake, project: Project
) -> None:
    mika = Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")
    ink = Style.objects.create(slug="ink", name="Ink")
    finished()
    of_mika, in_ink, both = (
        finished(character=mika),
        finished(style=ink),
        finished(character=mika, style=ink),
    )

    assert shown(client, character="mika") == [both, of_mika]
    assert shown(client, style="ink") == [both, in_ink]
    assert shown(client, character="mika", style="ink") == [both]


def test_pictures_are_found_by_quality_and_by_words_of_the_prompt(
    client: Client, finished: MakeTake
) -> None:
    draft = finished(prompt="A Gull over the pier")
    final = finished(quality=Quality.FINAL, prompt="smiling")

    assert shown(client, quality="final") == [final]
    assert shown(client, words="gull") == [draft]


def test_pictures_are_found_by_verdict(
    client: Client, sent: MakeTake, finished: MakeTake, reviewer: User, forecaster: Forecaster
) -> None:
    finished()
    pending, approved, change = sent(), sent(), sent()
    reviewing.approve(forecaster, approved.reviews.get(), reviewer)
    reviewing.request_changes(change.reviews.get(), reviewer, "Less smile.")

    assert shown(client, verdict="pending") == [pending]
    assert shown(client, verdict="approved") == [approved]
    assert shown(client, verdict="changes_requested") == [change]


@pytest.mark.parametrize(
    "query",
    [
        {"project": "unknown"},
        {"quality": "best"},
        {"verdict": "none"},
        {"words": "a" * 101},
        {"page": "3"},
        {"after": "x"},
        {"after": ""},
    ],
)
def test_a_filter_that_names_nothing_is_ignored(
    query: dict[str, str], client: Client, finished: MakeTake
) -> None:
    take = finished()

    assert shown(client, **query) == [take]


def test_things_of_other_projects_are_no_filters(client: Client) -> None:
    Project.objects.create(slug="secret", name="Secret project")

    assert "Secret" not in client.get(reverse("gallery")).content.decode()


@pytest.fixture
def three_pages(finished: MakeTake, monkeypatch: pytest.MonkeyPatch) -> list[Take]:
    """Five pictures, two a page, the newest first."""
    monkeypatch.setattr(gallery, "PAGE_SIZE", 2)
    return [finished() for _ in range(5)][::-1]


def following(client: Client, address: str) -> tuple[list[Take], str | None]:
    """The takes of a page, and the address of the page behind it."""
    response = client.get(address)
    links = re.findall(r'href="(\?[^"]*after=[^"]+)"', response.content.decode())
    takes = [card["take"] for card in response.context["cards"]]
    return takes, reverse("gallery") + unescape(links[0]) if links else None


def test_pictures_that_arrive_between_two_pages_repeat_none_and_hide_none(
    client: Client, three_pages: list[Take], finished: MakeTake
) -> None:
    address: str | None = reverse("gallery")
    pages = []
    while address is not None:
        takes, address = following(client, address)
        pages.append(takes)
        finished()

    assert [take for page in pages for take in page] == three_pages
    assert [len(page) for page in pages] == [2, 2, 1]


def test_a_page_leads_to_the_next_with_the_same_filters(
    client: Client, three_pages: list[Take]
) -> None:
    html = client.get(reverse("gallery"), {"quality": "draft"}).content.decode()

    assert 'hx-get="/gallery/?quality=draft&amp;after=' in html
    assert 'href="?quality=draft&amp;after=' in html, "and so it does without scripts"
    assert "5 takes in all." in html


def test_the_last_page_leads_nowhere(client: Client, three_pages: list[Take]) -> None:
    _, second = following(client, reverse("gallery"))
    _, third = following(client, str(second))

    assert "gallery-more" not in client.get(str(third)).content.decode()


def test_the_next_pages_cards_come_without_the_frame(
    client: Client, three_pages: list[Take]
) -> None:
    headers = {"HX-Request": "true", "HX-Target": "gallery-more"}
    _, second = following(client, reverse("gallery"))
    html = client.get(str(second), headers=headers).content.decode()

    assert "<html" not in html
    assert html.count("<article") == 2


def test_a_changed_filter_gets_the_whole_page(client: Client, three_pages: list[Take]) -> None:
    headers = {"HX-Request": "true", "HX-Target": "content"}

    assert "<html" in client.get(reverse("gallery"), headers=headers).content.decode()
