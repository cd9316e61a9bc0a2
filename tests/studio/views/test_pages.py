"""Every page: open to who may see it, a login for who is nobody yet, and no word to strangers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from generation.models import Job
from generation.states import Status
from studio.models import Character, Project, Review, Take, Verdict
from studio.models.cast import Reference
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

OWN = ["dashboard", "projects", "render", "reviews", "gallery", "accuracy", "tokens"]
OF_A_PROJECT = ["project", "shot", "job", "take"]
OF_A_JOB = ["cancel", "retry", "priority", "hold", "release", "front", "clone"]
ACTIONS = [
    *(f"job-{action}" for action in OF_A_JOB),
    *("take-review", "take-approve", "take-changes"),
]

Address = Callable[[str], str]


@pytest.fixture
def address(sent: MakeTake) -> Address:
    """Where a page about a take in review, or about its things, is."""
    take: Take = sent()
    args = {
        "project": [take.shot.project.slug],
        "shot": [take.shot.project.slug, take.shot.slug],
        **{name: [take.job_id] for name in ["job", *(f"job-{action}" for action in OF_A_JOB)]},
        **{name: [take.pk] for name in ("take", "take-review", "take-approve", "take-changes")},
    }
    return lambda name: reverse(name, args=args.get(name, []))


@pytest.mark.parametrize("page", [*OWN, *OF_A_PROJECT])
def test_a_member_sees(page: str, address: Address, log_in: LogIn, artist: User) -> None:
    assert log_in(artist).get(address(page)).status_code == 200


@pytest.mark.parametrize("page", OWN)
def test_a_person_of_no_project_sees(page: str, log_in: LogIn, stranger: User) -> None:
    assert log_in(stranger).get(reverse(page)).status_code == 200


@pytest.mark.parametrize("page", OF_A_PROJECT)
def test_a_stranger_is_not_even_told_that_there_is(
    page: str, address: Address, log_in: LogIn, stranger: User
) -> None:
    response = log_in(stranger).get(address(page))

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stranger_cannot_do(action: str, address: Address, log_in: LogIn, stranger: User) -> None:
    assert log_in(stranger).post(address(action)).status_code == 404


@pytest.mark.parametrize("page", [*OWN, *OF_A_PROJECT, "render-estimate", *ACTIONS])
def test_nobody_is_asked_to_log_in_first(page: str, address: Address) -> None:
    response = Client().post(address(page))

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={address(page)}"


@pytest.mark.parametrize("action", ACTIONS)
def test_what_changes_something_is_a_link_to_its_page_only(
    action: str, address: Address, log_in: LogIn, lead: User
) -> None:
    client = log_in(lead)
    page, _ = action.split("-")

    opened = client.get(address(action))

    assert (opened.status_code, opened["Location"]) == (302, address(page))
    assert client.head(address(action)).status_code == 302
    assert client.put(address(action)).status_code == 405
    assert Job.objects.get().status == Status.COMPLETED
    assert Review.objects.get().verdict == Verdict.PENDING


def test_an_estimate_is_no_page(address: Address, log_in: LogIn, lead: User) -> None:
    assert log_in(lead).get(address("render-estimate")).status_code == 405


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_of_another_site_cannot_press_a_button(
    action: str, address: Address, artist: User
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(artist)

    assert client.post(address(action)).status_code == 403


def test_who_is_not_allowed_is_told_why(address: Address, log_in: LogIn, artist: User) -> None:
    response = log_in(artist).post(address("take-approve"))

    assert response.status_code == 403
    assert "Only reviewers of this project may give a verdict." in response.content.decode()


def test_an_unknown_address_leads_back_to_the_dashboard(log_in: LogIn, artist: User) -> None:
    for client in (Client(), log_in(artist)):
        response = client.get("/nowhere/")
        assert response.status_code == 404
        assert 'href="/"' in response.content.decode()


def test_an_error_on_our_side_is_told_without_the_database(
    log_in: LogIn, artist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: HttpRequest) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("studio.views.gallery.Take", broken)
    client = log_in(artist)
    client.raise_request_exception = False
    response = client.get(reverse("gallery"))

    assert response.status_code == 500
    assert "Something went wrong on the server" in response.content.decode()


@pytest.mark.parametrize("page", [*OWN, *OF_A_PROJECT, "login"])
def test_a_page_holds_nothing_that_the_content_policy_forbids(
    page: str, address: Address, log_in: LogIn, artist: User
) -> None:
    client = Client() if page == "login" else log_in(artist)
    response = client.get(address(page))
    html = response.content.decode()

    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not [sign for sign in (" style=", " onclick=", "<style") if sign in html]
    assert html.count("<script") == html.count("<script src=")


def test_logging_in_leads_to_the_page_that_was_wanted(artist: User) -> None:
    client = Client()
    wanted = {"username": "artist", "password": "artist", "next": "/gallery/"}

    assert client.post("/login/", wanted)["Location"] == "/gallery/"
    assert client.get("/login/")["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_name(artist: User) -> None:
    response = Client().post("/login/", {"username": "artist", "password": "wrong"})
    html = response.content.decode()

    assert "Please enter a correct username and password" in html
    assert 'value="artist"' in html


def test_logging_out_leads_to_the_login(log_in: LogIn, artist: User) -> None:
    client = log_in(artist)

    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


def test_the_bar_counts_the_reviews_of_ones_own_projects(
    sent: MakeTake, log_in: LogIn, reviewer: User, stranger: User
) -> None:
    sent()
    sent()
    counted = '<span class="count">2<span class="visually-hidden"> waiting</span></span>'

    assert counted in log_in(reviewer).get("/").content.decode()
    assert 'class="count"' not in log_in(stranger).get("/").content.decode()


def test_the_admin_site_is_offered_to_staff_only(log_in: LogIn, boss: User, artist: User) -> None:
    assert 'href="/admin/"' in log_in(boss).get("/").content.decode()
    assert 'href="/admin/"' not in log_in(artist).get("/").content.decode()


def test_the_process_says_that_it_lives(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


def test_a_characters_reference_is_for_the_projects_members(
    project: Project, log_in: LogIn, artist: User, stranger: User
) -> None:
    mika = Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")
    gone = Reference.objects.create(character=mika, picture="references/gone.webp")
    address = reverse("reference", args=[gone.pk])

    assert Client().get(address).status_code == 302
    assert log_in(stranger).get(address).status_code == 404
    assert log_in(artist).get(address).status_code == 404, "its file is gone"
