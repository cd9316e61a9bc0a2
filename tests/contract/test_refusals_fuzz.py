"""Whatever is sent, the API answers with what the contract names, and keeps no half-made row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.models import Device, Job, ModelCard
from studio.models import Take
from tests.contract.asking import ACCEPTED, ESTIMATE, GENERATE, JOBS, PROBLEMS, Caller

pytestmark = pytest.mark.django_db

quickly = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FIELDS = [
    *("type", "prompt", "negative_prompt", "quality", "priority", "width", "height", "frames"),
    *("duration", "fps", "steps", "guidance", "seed", "model", "character", "style", "project"),
    *("shot", "finish_within"),
]
texts = st.text(st.characters(), max_size=30)
scalars = (
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**310) | st.floats() | texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
sensible = st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "video"]), "prompt": st.just("1girl")},
    optional={
        "width": st.integers(0, 40).map(lambda times: times * 8),
        "height": st.integers(100, 300),
        "steps": st.integers(-1, 160),
        "guidance": st.floats(-1, 31) | st.integers(0, 30),
        "seed": st.integers(-1, 2**32),
        "finish_within": st.floats(-1, 700_000),
        "frames": st.integers(0, 2),
        "quality": st.sampled_from(["low", "medium", "high", "draft", "standard", "final", "x"]),
        "priority": st.sampled_from(["urgent", "high", "normal", "low", "asap"]),
    },
)
requests = sensible | st.builds(
    lambda base, spoilt: {**base, **spoilt},
    sensible,
    st.dictionaries(st.sampled_from(FIELDS) | texts, anything, max_size=4),
)


@pytest.fixture(autouse=True)
def _everything_is_there(artist: User, toon: ModelCard, device: Device) -> None:
    """Some of what is sent can be rendered."""


def check(answer: Any) -> None:
    """Accepted with one job, or refused with none."""
    jobs, takes = Job.objects.count(), Take.objects.count()
    assert jobs == takes
    if answer.status_code == 202:
        ACCEPTED.check(answer.json())
        assert jobs == 1
        Job.objects.all().delete()
    else:
        assert answer.status_code == 422, (answer.status_code, answer.content)
        PROBLEMS.check(answer.json())
        assert jobs == 0
    cache.clear()


@quickly
@given(request=requests)
def test_any_fields_with_any_values_are_accepted_or_refused(request: dict[str, Any]) -> None:
    check(Caller().post(GENERATE, request))


@quickly
@given(body=anything.map(json.dumps) | st.binary(max_size=200) | st.text(max_size=50))
def test_any_body_is_accepted_or_refused(body: bytes | str) -> None:
    text = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check(Caller().post(GENERATE, text))


@quickly
@given(query=st.dictionaries(st.sampled_from(FIELDS) | texts, scalars.map(str), max_size=5))
def test_any_query_is_answered_or_refused(query: dict[str, str]) -> None:
    sendable = {
        name.encode(errors="replace"): value.encode(errors="replace")
        for name, value in query.items()
    }
    for path in (ESTIMATE, JOBS):
        answer = Caller().get(path, sendable)
        assert answer.status_code in (200, 404, 422), answer.content
    assert Job.objects.count() == 0


@quickly
@given(
    origin=st.text(st.characters(max_codepoint=255), max_size=20),
    token=st.text(st.characters(max_codepoint=255), max_size=20),
    job_id=st.text(st.characters(exclude_characters="?#", codec="utf-8"), max_size=40),
)
def test_any_header_and_any_address_is_answered_or_refused(
    origin: str, token: str, job_id: str
) -> None:
    caller = Caller()
    answers = [
        caller.get(JOBS, origin=origin),
        caller.get(JOBS, origin=f"http://{origin}"),
        caller.get(JOBS, authorization=token),
        caller.get(f"{JOBS}/{job_id}"),
        caller.post(f"{JOBS}/{job_id}/cancel"),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.content
