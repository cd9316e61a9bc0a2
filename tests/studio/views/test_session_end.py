"""A session that ends under an open page: every kind of request leads to the login and back."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from studio.models import Project, Take
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

SITE = "http://testserver"
FORM = "/render/?shot=harbour/sh010"
DRAFT = "0123456789abcdef"


@pytest.fixture
def take(finished: MakeTake) -> Take:
    return finished()


@pytest.fixture
def tab(artist: User) -> Client:
    """The artist's browser with a page open, and somebody who checks where forms come from."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(artist)
    client.get("/render/")
    return client


def led_to(response: HttpResponse, login: str = "/login/") -> str:
    """The page that the login leads back to."""
    address = urlsplit(response.headers.get("HX-Redirect") or response["Location"])
    assert address.path == login
    return parse_qs(address.query)["next"][0]


def codes(response: HttpResponse) -> list[str]:
    return [message.extra_tags for message in get_messages(response.wsgi_request)]


def taken_forms(response: HttpResponse) -> list[str]:
    """The cookies that say which forms were taken."""
    return [name for name in response.cookies if name.startswith("genga_taken")]


def test_a_letter_typed_after_the_session_leads_the_whole_page_to_the_login_and_back() -> None:
    response = Client().post(
        reverse("render-estimate"), headers={"HX-Request": "true", "HX-Current-URL": SITE + FORM}
    )

    assert response.status_code == 401
    assert led_to(response) == FORM
    assert response.content == b""


@pytest.mark.parametrize("address", ["/", "/queue/changeable/", "/gallery/?page=2"])
def test_the_live_part_of_a_page_never_becomes_a_login(address: str) -> None:
    response = Client().get(
        address, headers={"HX-Request": "true", "HX-Current-URL": f"{SITE}/gallery/?words=sea"}
    )

    assert (response.status_code, led_to(response)) == (401, "/gallery/?words=sea")


def test_a_script_that_asks_for_data_gets_no_page() -> None:
    headers = {"Accept": "application/json", "Referer": f"{SITE}/"}
    response = Client().get(reverse("queue-mine"), headers=headers)

    assert (response.status_code, led_to(response)) == (401, "/")


@pytest.mark.parametrize(
    "page", ["https://elsewhere.example/render/", f"{SITE}//elsewhere.example/", "javascript:1"]
)
def test_a_login_leads_back_to_no_other_site(page: str, tab: Client) -> None:
    address = reverse("render-estimate")
    htmx = Client().post(address, headers={"HX-Request": "true", "HX-Current-URL": page})
    posted = tab.post("/render/", {"csrfmiddlewaretoken": "x" * 32}, headers={"Referer": page})

    assert led_to(htmx) == "/"
    assert posted.status_code == 403


def test_a_button_pressed_after_the_session_leads_back_to_its_page(
    take: Take, artist: User
) -> None:
    client = Client()
    page = take.get_absolute_url()
    asked = client.post(reverse("take-review", args=[take.pk]), headers={"Referer": SITE + page})
    login = {"username": "artist", "password": "artist", "next": led_to(asked)}

    response = client.post("/login/", login, follow=True)

    assert response.redirect_chain == [(page, 302)]
    assert response.status_code == 200


def test_a_page_that_has_answered_a_form_leads_back_to_the_page_of_its_take(
    take: Take, log_in: LogIn, artist: User
) -> None:
    form = reverse("take-review", args=[take.pk])
    refused = log_in(artist).post(form, {"comment": "long " * 1000})
    assert refused.status_code == 422

    client = Client()
    asked = client.post(form, {"comment": "the eyes"}, headers={"Referer": SITE + form})
    login = {"username": "artist", "password": "artist", "next": led_to(asked)}
    response = client.post("/login/", login, follow=True)

    assert response.redirect_chain == [(form, 302), (take.get_absolute_url(), 302)]
    assert response.status_code == 200


def test_a_form_sent_after_a_login_in_another_tab_leads_back_to_its_page(tab: Client) -> None:
    stale = tab.cookies["genga_csrf"].value
    tab.cookies["genga_csrf"] = "n" * 32
    response = tab.post(
        "/render/", {"csrfmiddlewaretoken": stale}, headers={"Referer": SITE + FORM}
    )

    assert (response.status_code, response["Location"]) == (302, FORM)
    assert codes(response) == ["form_out_of_date"]


def test_live_parts_renew_the_page_after_a_login_in_another_tab(tab: Client) -> None:
    stale = tab.cookies["genga_csrf"].value
    tab.cookies["genga_csrf"] = "n" * 32
    response = tab.post(
        reverse("render-estimate"),
        {"csrfmiddlewaretoken": stale},
        headers={"HX-Request": "true", "HX-Current-URL": SITE + FORM},
    )

    assert response.status_code == 403
    assert response["HX-Refresh"] == "true"
    assert codes(response) == ["form_out_of_date"]

    form = tab.post("/render/", {"csrfmiddlewaretoken": stale}, headers={"Referer": SITE + FORM})
    assert codes(form) == ["form_out_of_date"], "said once, whatever else the page has sent"


@pytest.mark.parametrize("debug", [False, True])
def test_a_form_of_unknown_origin_is_refused_on_our_own_page(
    debug: bool, tab: Client, settings: object
) -> None:
    settings.DEBUG = debug  # type: ignore[attr-defined]
    response = tab.post("/render/", {"csrfmiddlewaretoken": "x" * 32})
    html = response.content.decode()

    assert response.status_code == 403
    assert 'data-code="form_out_of_date"' in html
    assert "css/tokens.css" in html
    assert "DEBUG" not in html


def test_a_browser_without_cookies_is_told_that_they_are_needed() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login/", {"username": "a"}, headers={"Referer": f"{SITE}/login/"})

    assert response.status_code == 403
    assert 'data-code="no_cookie"' in response.content.decode()


def test_a_browser_whose_cookies_were_deleted_is_led_to_the_login(tab: Client) -> None:
    tab.cookies.clear()
    part = tab.post(
        reverse("render-estimate"), headers={"HX-Request": "true", "HX-Current-URL": SITE + FORM}
    )
    form = tab.post("/render/", headers={"Referer": SITE + FORM})

    assert (part.status_code, led_to(part)) == (401, FORM)
    assert (form.status_code, led_to(form)) == (302, FORM)


def test_a_page_knows_which_of_its_forms_was_taken(log_in: LogIn, artist: User, take: Take) -> None:
    client, draft = log_in(artist), DRAFT
    address = reverse("take-review", args=[take.pk])
    taken = client.post(address, {"comment": "the eyes", "draft": draft})
    again = client.post(address, {"comment": "again", "draft": "f" * 16})

    assert taken.cookies[f"genga_taken_{draft}"].value == "1"
    assert codes(again) == ["not_ready_for_review"]
    assert taken_forms(again) == []


@pytest.mark.parametrize("draft", ["", "short", "0123456789ABCDEF", "a=b;" * 4])
def test_only_the_ids_that_pages_make_become_cookies(
    draft: str, log_in: LogIn, artist: User, take: Take
) -> None:
    response = log_in(artist).post(reverse("take-review", args=[take.pk]), {"draft": draft})

    assert response.status_code == 302
    assert taken_forms(response) == []


def test_a_form_that_met_the_login_or_an_error_was_not_taken(
    log_in: LogIn, artist: User, take: Take
) -> None:
    sent = {"draft": DRAFT, "interpolate": "9"}
    address = reverse("take-enhance", args=[take.pk])
    for client in (Client(), log_in(artist)):
        response = client.post(address, sent)
        assert response.status_code == 302
        assert taken_forms(response) == []


@pytest.fixture
def edited(project: Project) -> str:
    """The address of a row's form in the admin site."""
    return reverse("admin:studio_project_change", args=[project.pk])


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="boss")


def test_a_form_of_the_admin_site_that_met_the_login_was_not_taken(
    edited: str, log_in: LogIn, boss: User, artist: User
) -> None:
    sent = {"name": "Harbour Lights", "draft": DRAFT}
    for client in (Client(), log_in(artist)):
        response = client.post(edited, sent, headers={"Referer": SITE + edited})
        assert led_to(response, "/admin/login/") == edited
        assert taken_forms(response) == []

    login = {"username": "boss", "password": "boss", "next": edited}
    back = Client().post("/admin/login/", login)
    assert (back.status_code, back["Location"]) == (302, edited)


def test_a_form_of_the_admin_site_sent_after_a_login_in_another_tab_was_not_taken(
    edited: str, boss: User
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss)
    client.get(edited)
    response = client.post(edited, {"draft": DRAFT}, headers={"Referer": SITE + edited})

    assert (response.status_code, response["Location"]) == (302, edited)
    assert codes(response) == ["form_out_of_date"]
    assert taken_forms(response) == []


def test_a_form_of_a_row_that_somebody_has_deleted_was_not_taken(log_in: LogIn, boss: User) -> None:
    gone = reverse("admin:studio_project_change", args=[123456])
    response = log_in(boss).post(gone, {"draft": DRAFT})

    assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))
    assert taken_forms(response) == []


def test_a_form_of_the_admin_site_that_was_saved_was_taken(log_in: LogIn, boss: User) -> None:
    form = {"name": "lead", "draft": DRAFT}
    response = log_in(boss).post(reverse("admin:auth_group_add"), form)

    assert response.status_code == 302
    assert taken_forms(response) == [f"genga_taken_{DRAFT}"]


def test_a_token_that_was_made_needs_its_name_no_more(log_in: LogIn, artist: User) -> None:
    client, draft = log_in(artist), DRAFT

    form = {"name": "x", "scopes": ["read"], "draft": draft}

    assert f"genga_taken_{draft}" in client.post("/tokens/", form).cookies
    assert f"genga_taken_{draft}" not in client.post("/tokens/", {**form, "name": ""}).cookies


def test_an_address_with_letters_of_any_script_survives_the_login() -> None:
    page = f"/gallery/?words={quote('港の灯り')}"
    response = Client().get(
        "/gallery/", headers={"HX-Request": "true", "HX-Current-URL": SITE + page}
    )

    assert led_to(response) == page
