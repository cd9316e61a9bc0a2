"""Lists: number of queries, filters and search."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generation.models import Job
from studio.models import Character, Review, Shot, Style, Take
from tests.studio.admin.asking import address


def test_lists_need_no_query_per_row(as_root: Client, ours: SimpleNamespace) -> None:
    def queries(model: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            as_root.get(address(model))
        return len(captured)

    lists = [Character, Style, Shot]
    before = [queries(model) for model in lists]
    for number in range(5):
        slug = f"extra-{number}"
        Character.objects.create(project=ours.project, slug=slug, name=slug, look="1boy")
        Style.objects.create(project=ours.project, slug=slug, name=slug)
        Shot.objects.create(project=ours.project, slug=slug, name=slug)
    assert [queries(model) for model in lists] == before


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Character, "project__id__exact"),
        (Style, "project__id__exact"),
        (Shot, "project__id__exact"),
        (Take, "shot__project__id__exact"),
        (Review, "take__shot__project__id__exact"),
    ],
)
def test_lists_can_be_filtered_by_project(
    as_root: Client, ours: SimpleNamespace, theirs: SimpleNamespace, model: Any, query: str
) -> None:
    page = as_root.get(address(model), {query: ours.project.pk})
    assert page.context["cl"].result_count == 1


def test_jobs_are_found_by_prompt_and_by_id(as_root: Client, ours: SimpleNamespace) -> None:
    for words in ("silver hair", str(ours.job.pk)):
        assert as_root.get(address(Job), {"q": words}).context["cl"].result_count == 1
    assert as_root.get(address(Job), {"q": "green"}).context["cl"].result_count == 0
