"""Bad input: always 422, with the field and what it allows, and never a row left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from generation.models import Device, Job, ModelCard
from studio.models import Character, Project, Shot, Style
from studio.ordering import refusals
from tests.contract.asking import ESTIMATE, GENERATE, JOBS, PROBLEMS, Caller
from tests.contract.conftest import Rows

pytestmark = pytest.mark.django_db

GOOD = {"type": "image", "prompt": "1girl"}
NESTED_TOO_DEEP = "[" * 200_000
LONG_NUMBER = "9" * 400


@pytest.fixture(autouse=True)
def _everything_is_there(toon: ModelCard, device: Device, shot: Shot, project: Project) -> None:
    """A good request would be accepted: what is refused is refused for its own fault."""
    Character.objects.create(project=project, slug="retired", name="R", look="r", is_active=False)
    Style.objects.create(slug="wordy", name="Wordy", template="{prompt}" + ", ink" * 200)
    ModelCard.objects.create(slug="off", name="Off", folder="off", types=["image"], is_active=False)


def refused_field(answer: Any) -> str:
    """The one field that a refusal names; each one says what would be allowed."""
    assert answer.status_code == 422, (answer.status_code, answer.content)
    PROBLEMS.check(answer.json())
    errors = answer.json()["errors"]
    assert errors
    for error in errors:
        assert error["allowed"], f"{error} does not say what is allowed"
        assert re.fullmatch("[a-z_]+", error["code"])
        assert error["field"] in answer.json()["detail"]
    (field,) = {error["field"] for error in errors}
    return str(field)


def test_the_request_that_the_others_spoil_is_accepted(api: Caller) -> None:
    assert api.post(GENERATE, GOOD).status_code == 202


BAD_FIELDS: list[tuple[str, Any]] = [
    *[("type", value) for value in ("gif", "", "IMAGE", 1, None, True, ["image"], "video")],
    *[("prompt", value) for value in ("", " \n\t", "x" * 2001, "a\x00b", 7, None, ["1girl"], {})],
    ("prompt", "\ud800"),
    *[("negative_prompt", value) for value in ("x" * 2001, "a\x00b", 7, None)],
    *[("quality", value) for value in ("best", "Draft", "", 1, None)],
    *[("priority", value) for value in ("asap", "URGENT", "", 2, None)],
    *[(side, value) for side in ("width", "height") for value in (130, 129, 64, 264, 512, 8200)],
    *[("width", value) for value in (0, -8, 256.0, "256", True, [256], 10**400)],
    *[("steps", value) for value in (0, -1, 151, 8.0, "8", True, float("nan"))],
    *[("guidance", value) for value in (-0.1, 30.1, "4", True, float("nan"), float("inf"))],
    ("guidance", 10**400),
    *[("seed", value) for value in (-1, 2**32, 1.5, "7", True, float("nan"))],
    *[("finish_within", value) for value in (0, -5, "60", True, float("inf"), 604801)],
    *[("frames", value) for value in (0, 2, 16, 10_001, 1.0, "16", True)],
    *[("duration", value) for value in (0, -1, 3.0, "3", True, 3601)],
    *[("fps", value) for value in (0, -1, 24, "24", True, 121)],
    *[("loop", value) for value in (1, "true", [], None)],
    *[("source", value) for value in ("", "x", 5, True, "12345678-1234-5678-1234-567812345678")],
    *[("strength", value) for value in (0, 1.1, "1", True, 0.5)],
    *[(name, value) for name in ("interpolate", "upscale") for value in (0, 3, "2", True, [2])],
    *[("acceleration", value) for value in (0, 4, "2", True, 1.5)],
    *[("upscaler", value) for value in ("with space", 5)],
    *[("formats", value) for value in ("gif", ["mov"], [1], ["gif"] * 4, ["gif"], None)],
    *[
        (name, value)
        for name in ("model", "character", "style", "project")
        for value in ("nobody", "", "with space", "a\x00b", "x" * 51, 5, True, ["toon"])
    ],
    ("model", "off"),
    ("character", "retired"),
    *[("shot", value) for value in ("sh010", "nowhere", "", 5, "a\x00b")],
    *[(name, 1) for name in ("promt", "negative-prompt", "payload", "body", "")],
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_nothing_is_left(
    field: str, value: Any, api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answer = api.post(GENERATE, {**GOOD, field: value})

    assert refused_field(answer) == field
    assert rows() == before


@pytest.mark.parametrize(
    ("field", "allowed"),
    [("interpolate", "1, 2 or 4"), ("upscale", "1, 2 or 4"), ("acceleration", "1, 2 or 3")],
)
@pytest.mark.parametrize("value", [0, 5, 10**400])
def test_what_is_one_of_a_few_numbers_says_which(
    field: str, allowed: str, value: int, api: Caller
) -> None:
    (error,) = api.post(GENERATE, {**GOOD, field: value}).json()["errors"]

    assert (error["field"], error["allowed"]) == (field, allowed)


@pytest.mark.parametrize("field", ["type", "prompt"])
def test_what_is_required_is_missed(field: str, api: Caller, rows: Callable[[], Rows]) -> None:
    before = rows()

    answer = api.post(GENERATE, {name: value for name, value in GOOD.items() if name != field})

    assert refused_field(answer) == field
    assert rows() == before


def test_a_shot_of_another_project_is_not_found(api: Caller, rows: Callable[[], Rows]) -> None:
    before = rows()

    answer = api.post(GENERATE, {**GOOD, "project": "harbour", "shot": "nowhere"})

    assert refused_field(answer) == "shot"
    assert rows() == before


def test_words_of_a_style_count_into_the_prompts_length(
    api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answer = api.post(GENERATE, {**GOOD, "prompt": "x" * 1500, "style": "wordy"})

    assert refused_field(answer) == "prompt"
    assert rows() == before


def test_every_bad_field_of_a_request_is_told_at_once(api: Caller) -> None:
    answer = api.post(GENERATE, {"type": "gif", "prompt": "", "width": 7, "extra": 1})

    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("type", "literal_error"),
        ("prompt", "string_too_short"),
        ("width", "multiple_of"),
        ("extra", "extra_forbidden"),
    ]


def test_a_refusal_by_the_studio_has_the_code_of_its_sentence(api: Caller) -> None:
    (error,) = api.post(GENERATE, {**GOOD, "style": "nobody"}).json()["errors"]

    assert (error["field"], error["code"]) == ("style", refusals.NOT_FOUND.code)


def test_nothing_is_rendered_when_no_model_is_there(
    api: Caller, toon: ModelCard, rows: Callable[[], Rows]
) -> None:
    toon.delete()
    before = rows()

    assert refused_field(api.post(GENERATE, GOOD)) == "model"
    assert rows() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b'"image"',
        b"[" + json.dumps(GOOD).encode() + b"]",
        b"type=image&prompt=1girl",
        b"\xff\xfe\x00",
        b'{"type": "image", "prompt": "\xff"}',
        # A name that is no text cannot be repeated in the answer.
        b'{"type": "image", "prompt": "1girl", "\\ud800": 1}',
        NESTED_TOO_DEEP.encode(),
        b'{"a":' * 100_000,
        b'{"type": "image", "prompt": "1girl", "seed": ' + b"9" * 5000 + b"}",
        json.dumps({**GOOD, "prompt": "x" * 3_000_000}).encode(),
        b" " * 5_000_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_request_is_refused(
    body: bytes, api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    assert refused_field(api.post(GENERATE, body)) == "body"
    assert rows() == before


def test_a_body_that_is_too_big_is_told_how_big_it_may_be(api: Caller) -> None:
    answer = api.post(GENERATE, {**GOOD, "prompt": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})

    (error,) = answer.json()["errors"]
    assert (error["code"], error["allowed"]) == ("body_too_large", "at most 1048576 bytes")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"],
)
@pytest.mark.parametrize("body", [json.dumps(GOOD), "type=image", ""])
def test_what_is_not_declared_as_json_is_refused_unread(
    body: str, content_type: str, api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answer = api.post(GENERATE, body, content_type=content_type)

    assert answer.status_code == 415
    assert answer.json()["code"] == "not_declared_json"
    assert rows() == before


def test_json_may_name_its_character_set(api: Caller) -> None:
    answer = api.post(GENERATE, GOOD, content_type="application/json; charset=utf-8")

    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", "wide"),
        ("width", "256.5"),
        ("width", "9" * 5000),
        ("width", "130"),
        ("guidance", "nan"),
        ("guidance", "1e999"),
        ("guidance", LONG_NUMBER),
        ("seed", "-1"),
        ("finish_within", "inf"),
        ("prompt", ""),
        ("type", "video"),
        ("model", "nobody"),
        ("promt", "x"),
    ],
)
def test_an_estimate_refuses_the_same(
    field: str, value: str, api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    assert refused_field(api.get(ESTIMATE, {**GOOD, field: value})) == field
    assert rows() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "waiting"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "two"),
        ("page", LONG_NUMBER),
        ("project", "a\x00b"),
        ("project", ""),
        ("stauts", "queued"),
    ],
)
def test_a_bad_filter_is_named(field: str, value: str, api: Caller) -> None:
    assert refused_field(api.get(JOBS, {field: value})) == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"priority": "asap"}, "priority"),
        ({"priority": 0}, "priority"),
        ({}, "priority"),
        ({"priority": None}, "priority"),
        ({"priority": "low", "position": None}, "position"),
        ({"position": "back"}, "position"),
        ({"priority": "low", "position": 1}, "position"),
        ({"priority": "low", "status": "completed"}, "status"),
        ([], "body"),
        ("{", "body"),
    ],
)
def test_a_bad_change_is_named_and_changes_nothing(
    body: Any, field: str, api: Caller, submit: Callable[..., Job]
) -> None:
    job = submit()

    assert refused_field(api.patch(f"{JOBS}/{job.pk}", body)) == field

    assert api.job(job.pk)["priority"] == "normal"
    assert api.patch(f"{JOBS}/{job.pk}", "{}", content_type="text/plain").status_code == 415
