"""Whatever stands in an address or a form, a page answers it or refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from generation.models import Device, ModelCard
from studio.models import Take
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

ODD = {
    "empty": "",
    "word": "abc",
    "negative": "-1",
    "huge": "9" * 20,
    "endless": "9" * 5000,
    "other digits": "٣",
    "fraction": "1.5",
    "not a number": "nan",
    "infinite": "1e999",
    "nul": "a\0b",
    "id with nul": "00000000-0000-0000-0000-00000000000\0",
    "id of nothing": "00000000-0000-0000-0000-000000000000",
    "id in words": "urn:uuid:00000000-0000-0000-0000-000000000000",
    "replacement": "\ufffd",
    "beyond": "\U0010ffff",
    "quote": "'\"><script>",
    "long": "x" * 20_000,
}
READ = {
    "/render/": ("source", "take", "shot", "character", "style", "prompt"),
    "/gallery/": ("project", "character", "style", "quality", "verdict", "words", "page"),
    "/": ("since", "page"),
    "/reviews/": ("page",),
    "/accuracy/": ("page",),
    "/login/": ("next",),
    "/admin/generation/job/": ("status__exact", "owner__id__exact", "p", "o", "q", "e"),
    "/admin/studio/apitoken/": ("user__id__exact", "expires_at__gte", "expires_at__isnull", "q"),
}
SENT = {
    "/render/": (
        *("type", "prompt", "shot", "character", "style", "priority", "within", "source", "model"),
        *("quality", "duration", "frames", "fps", "loop", "interpolate", "formats", "upscale"),
        *("negative_prompt", "upscaler", "width", "height", "steps", "guidance", "seed", "once"),
    ),
    "/tokens/": ("name", "days", "scopes", "once"),
    "/projects/harbour/": ("name", "sequence", "description", "prompt", "once"),
    "/queue/act/": ("action", "job"),
    "/takes/{take}/review/": ("comment", "once"),
    "/takes/{take}/enhance/": ("interpolate", "upscale", "upscaler", "formats"),
    "/jobs/{job}/priority/": ("priority",),
    "/devices/{device}/pause/": ("pause",),
    "/login/": ("username", "password", "next"),
}
NAMED = (
    *("/projects/{}/", "/projects/harbour/{}/", "/jobs/{}/", "/takes/{}/", "/outputs/{}/"),
    *("/references/{}/", "/admin/generation/job/{}/change/", "/admin/studio/take/{}/change/"),
)
GOOD = {"prompt": "1girl", "quality": "draft", "priority": "2", "type": "image"}
GOOD |= {"interpolate": "1", "upscale": "1", "name": "script", "scopes": "read"}


@pytest.fixture
def take(finished: MakeTake) -> Take:
    return finished()


@pytest.fixture
def anybody(log_in: LogIn, boss: User, toon: ModelCard, device: Device, take: Take) -> Client:
    """Somebody who gets beyond "not yours" everywhere."""
    return log_in(boss)


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_any_parameter_of_a_page_is_read_or_left_out(value: str, anybody: Client) -> None:
    for address, names in READ.items():
        for name in names:
            status = anybody.get(address, {name: [value, value]}).status_code
            assert status in (200, 302, 404), (address, name)


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_any_field_of_a_form_is_taken_or_refused(
    value: str, anybody: Client, take: Take, device: Device
) -> None:
    keys = {"take": take.pk, "job": take.job_id, "device": device.pk}
    for address, names in SENT.items():
        for name in names:
            form: dict[str, Any] = {**GOOD, name: [value, value]}
            status = anybody.post(address.format(**keys), form).status_code
            assert status in (200, 302, 403, 404, 422), (address, name)
    for name in SENT["/render/"]:
        assert anybody.post("/render/estimate/", {**GOOD, name: value}).status_code == 200, name


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_any_name_in_an_address_is_found_or_not(value: str, anybody: Client) -> None:
    for address in NAMED:
        answer = anybody.get(address.format(value.replace("/", "")))
        assert answer.status_code in (200, 301, 302, 404), address


def test_bytes_that_are_no_text_are_no_fault(anybody: Client) -> None:
    for query in ("source=%ED%A0%80", "take=%FF%FE", "shot=%00/%00", "%00=1", "a=%ZZ", "&&=&"):
        for address in READ:
            assert anybody.get(f"{address}?{query}").status_code in (200, 302), (address, query)


def test_a_source_that_is_no_id_is_shown_at_the_form(anybody: Client) -> None:
    answer = anybody.post("/render/", {**GOOD, "type": "video", "source": "abc"})

    assert answer.status_code == 200
    assert "source" in answer.context["form"].errors
