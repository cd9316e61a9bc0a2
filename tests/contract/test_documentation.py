"""docs/api.md matches the code: its examples, its fields and its numbers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from generation.models import Device, ModelCard
from generation.states import Outcome, Status
from generation.worker import progress
from studio.api import list_schemas, lists, queue_schemas, schemas
from studio.api.field_table import field_table
from studio.environment import read
from studio.live import hub
from studio.models import Membership, Project
from studio.ordering import messages
from studio.production import bulk_actions
from tests.contract import asking
from tests.contract.asking import Caller

DOCUMENT = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
SHAPES = {
    "generate": asking.ACCEPTED,
    "estimate": asking.ESTIMATED,
    "job": asking.STATUS,
    "queue": asking.BOARD,
    "problems": asking.PROBLEMS,
}


def blocks(language: str) -> list[tuple[str, str]]:
    """(name, text) of the examples in a language."""
    return re.findall(rf"```{language} ?(\w*)\n(.*?)```", DOCUMENT, re.DOTALL)


COMMANDS = [
    command
    for _, text in blocks("console")
    for command in text.replace("\\\n", "").strip().splitlines()
]
EXAMPLE = "9552b066-b577-4c1e-9fe1-a14316453fb0"


def test_every_shown_answer_has_the_fields_of_a_real_one() -> None:
    shown = dict(blocks("json"))

    assert shown.keys() == SHAPES.keys()
    for name, text in shown.items():
        SHAPES[name].check(json.loads(text), name)


@pytest.mark.django_db
def test_every_shown_command_is_answered_as_described(
    api: Caller, artist: User, toon: ModelCard, device: Device
) -> None:
    project = Project.objects.create(slug="harbour-lights", name="Harbour Lights")
    Membership.objects.create(project=project, user=artist)
    job_id = api.submit()["job_id"]
    shown_id = re.compile(r"(?<=/jobs/)[0-9a-f-]{36}")
    answered = []
    for command in COMMANDS:
        words = shlex.split(command)
        address = urlsplit(next(word for word in words if word.startswith("http")))
        path = shown_id.sub(job_id, address.path)
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else ""
        answer = api.client.generic(
            method,
            path,
            body.replace(EXAMPLE, job_id),
            "application/json",
            QUERY_STRING=address.query,
        )
        assert address.netloc == "127.0.0.1:8328"
        # The file of the example is nobody's here; every other command is served.
        expected = 404 if "/outputs/" in path else 200
        if path.endswith(("/generate", "/clone")):
            expected = 202
        elif method == "DELETE":
            expected = 204
        assert answer.status_code == expected, (command, answer.content)
        output = re.compile(r"(?<=anime/outputs/)[0-9a-f-]{36}")
        answered.append(output.sub("{output_id}", path.replace(job_id, "{job_id}")))

    described = set(api.get("/api/openapi.json").json()["paths"])
    assert described <= set(answered), "every call has its example"


@pytest.mark.parametrize(
    "name",
    [
        *schemas.GenerateIn.model_fields,
        *schemas.EstimateOut.model_fields,
        *schemas.JobOut.model_fields,
        *queue_schemas.QueueOut.model_fields,
        *list_schemas.Paging.model_fields,
        *list_schemas.JobPage.model_fields,
        *list_schemas.ModelOut.model_fields,
        *list_schemas.StyleOut.model_fields,
        *list_schemas.CharacterOut.model_fields,
        *list_schemas.ProjectOut.model_fields,
        *list_schemas.ShotOut.model_fields,
        *schemas.AttemptOut.model_fields,
        *schemas.CancelOut.model_fields,
        *queue_schemas.WaitingOut.model_fields,
        *queue_schemas.DeviceOut.model_fields,
        *queue_schemas.HeldOut.model_fields,
        *queue_schemas.SetAsideOut.model_fields,
        *schemas.AbsenceOut.model_fields,
    ],
)
def test_every_field_is_named(name: str) -> None:
    assert f"`{name}`" in DOCUMENT or f'"{name}"' in DOCUMENT


def test_the_table_of_fields_is_made_from_their_declarations() -> None:
    assert field_table() in DOCUMENT


@pytest.mark.parametrize("word", [*Status, *Outcome, "urgent", "high", "medium", "low"])
def test_every_word_is_named(word: str) -> None:
    assert f"`{word}`" in DOCUMENT


@pytest.mark.parametrize(
    "sentence",
    [
        f"may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes",
        f"up to {bulk_actions.MOST}:",
        f"{lists.PAGE_SIZE} a page",
        f"quicker than {hub.SHORTEST_PAUSE:g} s",
        f"up to {progress.REPORTS_PER_SECOND} times a second",
        f"takes {messages.LONG_SECONDS:g} seconds or more",
        f"more submits than {settings.GENGA_SUBMIT_RATE.removesuffix('/min')} in a minute",
        f"http://127.0.0.1:{read().port}",
    ],
)
def test_every_number_is_the_codes(sentence: str) -> None:
    assert sentence in DOCUMENT


def test_every_refusal_of_the_description_is_explained(client: Any) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]

    codes = {
        code for calls in paths.values() for call in calls.values() for code in call["responses"]
    }
    for code in codes:
        assert f"| {code} |" in DOCUMENT or f"`{code}`" in DOCUMENT, code
