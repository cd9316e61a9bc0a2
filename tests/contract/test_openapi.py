"""The OpenAPI description: every call, field and refusal of the contract is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.contract import asking

pytestmark = pytest.mark.django_db

CALLS = {
    ("post", "/api/anime/generate"): {"202", "401", "403", "409", "415", "422", "429"},
    ("get", "/api/anime/estimate"): {"200", "401", "403", "422"},
    ("get", "/api/anime/jobs"): {"200", "401", "403", "404", "422"},
    **{
        ("get", f"/api/anime/{name}"): {"200", "401", "403", "422"}
        for name in ("models", "styles", "characters", "projects")
    },
    ("get", "/api/anime/shots"): {"200", "401", "403", "404", "422"},
    ("get", "/api/anime/jobs/{job_id}"): {"200", "401", "403", "404"},
    ("patch", "/api/anime/jobs/{job_id}"): {"200", "401", "403", "404", "409", "415", "422"},
    ("delete", "/api/anime/jobs/{job_id}"): {"204", "401", "403", "404", "409"},
    ("post", "/api/anime/jobs/{job_id}/restore"): {"200", "401", "403", "404"},
    ("post", "/api/anime/jobs/{job_id}/cancel"): {"200", "401", "403", "404", "409", "422"},
    ("post", "/api/anime/jobs/{job_id}/hold"): {"200", "401", "403", "404", "409", "422"},
    ("post", "/api/anime/jobs/{job_id}/release"): {"200", "401", "403", "404", "409", "422"},
    ("post", "/api/anime/jobs/{job_id}/retry"): {"200", "401", "403", "404", "409", "422"},
    ("post", "/api/anime/jobs/{job_id}/clone"): {
        *("202", "401", "403", "404", "409", "415", "422", "429"),
    },
    ("post", "/api/anime/jobs/cancel"): {"200", "401", "403", "404", "415", "422"},
    ("get", "/api/anime/queue"): {"200", "401"},
    ("post", "/api/anime/outputs/{output_id}/enhance"): {
        *("202", "401", "403", "404", "409", "415", "422", "429"),
    },
}
REQUEST_FIELDS = {
    *("type", "prompt", "negative_prompt", "quality", "priority", "width", "height", "frames"),
    *("duration", "fps", "steps", "guidance", "seed", "model", "character", "style", "project"),
    *(
        "shot",
        "finish_within",
        "loop",
        "source",
        "strength",
        "interpolate",
        "upscale",
        "formats",
        "acceleration",
    ),
    "upscaler",
}
ANSWERS = {
    "GenerateOut": asking.ACCEPTED,
    "EstimateOut": asking.ESTIMATED,
    "JobOut": asking.STATUS,
    "JobPage": asking.PAGE,
    "QueueOut": asking.BOARD,
    "WaitingOut": asking.QUEUED,
    "HeldOut": asking.HELD,
    "DeviceOut": asking.DEVICE,
    "CancelOut": asking.CANCELLED,
    "AttemptOut": asking.ATTEMPT,
    "OutputOut": asking.OUTPUT,
    "ProblemsOut": asking.PROBLEMS,
}


@pytest.fixture
def description(client: Client) -> dict[str, Any]:
    """What the server says of itself, to anybody."""
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_call_is_described_with_its_refusals(description: dict[str, Any]) -> None:
    described = {
        (method, path): set(call["responses"])
        for path, calls in description["paths"].items()
        for method, call in calls.items()
    }

    assert description["openapi"].startswith("3.")
    assert described == {call: answers | {"503"} for call, answers in CALLS.items()}


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    for reference in references(description):
        place: Any = description
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_every_call_says_what_it_does_and_has_a_name_of_its_own(
    description: dict[str, Any],
) -> None:
    calls = [call for calls in description["paths"].values() for call in calls.values()]

    assert all(call["summary"] and call["description"] for call in calls)
    assert len({call["operationId"] for call in calls}) == len(calls)


def test_every_field_of_a_request_is_described(description: dict[str, Any]) -> None:
    schema = description["components"]["schemas"]["GenerateIn"]
    estimate = description["paths"]["/api/anime/estimate"]["get"]["parameters"]

    assert schema["properties"].keys() == REQUEST_FIELDS
    assert schema["required"] == ["type", "prompt"]
    assert schema["additionalProperties"] is False
    assert {parameter["name"] for parameter in estimate} == REQUEST_FIELDS


def test_limits_and_defaults_are_described(description: dict[str, Any]) -> None:
    properties = description["components"]["schemas"]["GenerateIn"]["properties"]

    assert (properties["prompt"]["minLength"], properties["prompt"]["maxLength"]) == (1, 2000)
    assert properties["quality"]["default"] == "standard"
    assert set(properties["quality"]["enum"]) >= {"draft", "standard", "final", "low", "high"}
    assert properties["priority"]["default"] == "normal"
    assert properties["priority"]["enum"] == ["urgent", "high", "normal", "low"]
    width = properties["width"]["anyOf"][0]
    assert (width["type"], width["multipleOf"]) == ("integer", 8)
    assert properties["seed"]["anyOf"][0]["maximum"] == 2**32 - 1


@pytest.mark.parametrize("name", ANSWERS)
def test_every_field_of_an_answer_is_described(name: str, description: dict[str, Any]) -> None:
    schema = description["components"]["schemas"][name]

    assert schema["properties"].keys() == ANSWERS[name].fields.keys()
    assert set(schema["required"]) == schema["properties"].keys()


def test_the_token_is_described(description: dict[str, Any]) -> None:
    (scheme,) = description["components"]["securitySchemes"].values()

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_the_description_has_a_page(client: Client, artist: User) -> None:
    answer = client.get("/api/docs")

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "/api/openapi.json" in html
    # The page's policy allows scripts of this server only: nothing may come from elsewhere.
    assert "https://" not in html
    assert "<script>" not in html
    for name in ("swagger-ui-bundle.js", "swagger-ui-init.js", "swagger-ui.css"):
        assert f"/static/ninja/{name}" in html
        assert client.get(f"/static/ninja/{name}").status_code == 200
    settings = html.split('id="swagger-settings">')[1].split("</script>")[0]
    assert json.loads(settings)["url"] == "/api/openapi.json"


def test_the_headers_of_answers_are_described(description: dict[str, Any]) -> None:
    for path, calls in description["paths"].items():
        for method, call in calls.items():
            headers = {
                status: set(told.get("headers", ())) for status, told in call["responses"].items()
            }
            is_repeatable = "Idempotency-Key" in {one["name"] for one in call.get("parameters", ())}
            for status, names in headers.items():
                expected = {"Retry-After"} if status in ("429", "503") else set()
                if is_repeatable and status in ("200", "202"):
                    expected = {"Idempotency-Replayed"}
                assert names == expected, (method, path, status)
