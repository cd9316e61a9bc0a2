"""What the API says of a prompt that will not be read as it was typed, before and after a submit."""

from __future__ import annotations

from typing import Any

import pytest

from generation.models import Device, ModelCard
from tests.contract.asking import ESTIMATE, GENERATE, JOBS, Caller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_model_and_a_device(toon: ModelCard, device: Device) -> None:
    """Every request here could be rendered."""


@pytest.mark.parametrize(
    ("texts", "codes"),
    [
        ({"prompt": "1girl, smiling"}, []),
        (
            {"prompt": "pink hair, " * 20, "negative_prompt": "sad, " * 20},
            ["prompt_cut", "negative_prompt_cut"],
        ),
        ({"prompt": "屋上の少女"}, ["prompt_strange"]),
        (
            {"prompt": "(smile:1.2) <lora:hat:0.8> BREAK", "negative_prompt": "embedding:bad"},
            ["weight_unread", "lora_unread", "break_unread", "embedding_unread"],
        ),
    ],
)
def test_a_script_learns_what_is_not_read_from_estimate_submit_and_job(
    texts: dict[str, Any], codes: list[str], api: Caller
) -> None:
    estimated = api.get(ESTIMATE, {"type": "image", **texts}).json()
    submitted = api.submit(**texts)
    job = api.job(submitted["job_id"])

    assert [reason["code"] for reason in estimated["reasons"]] == codes
    assert submitted["reasons"] == job["reasons"] == estimated["reasons"]


def test_a_clone_is_told_the_same(api: Caller) -> None:
    submitted = api.submit(prompt="[smile]")

    cloned = api.post(f"{JOBS}/{submitted['job_id']}/clone", {}).json()

    assert [reason["code"] for reason in cloned["reasons"]] == ["brackets_unread"]


def test_a_prompt_of_nothing_visible_is_refused(api: Caller) -> None:
    answer = api.post(GENERATE, {"type": "image", "prompt": "\u200b\ufeff \u2060"})

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["code"]) == ("prompt", "text_empty")
