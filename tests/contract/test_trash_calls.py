"""DELETE a job, and restore it."""

from __future__ import annotations

import pytest

from generation.models import Device, Job, ModelCard
from studio.models import Shot
from tests.contract.asking import GENERATE, JOBS, Caller
from tests.contract.conftest import Picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(api: Caller, toon: ModelCard, device: Device, shot: Shot) -> Job:
    return Job.objects.get(pk=api.submit(project="harbour", shot="sh010")["job_id"])


def delete(api: Caller, job: Job) -> int:
    return int(api.client.delete(f"{JOBS}/{job.pk}").status_code)


def test_a_deleted_job_is_in_no_list_and_cannot_be_used(
    api: Caller, job: Job, picture: Picture
) -> None:
    output = picture(job)

    assert delete(api, job) == 204

    path = f"{JOBS}/{job.pk}"
    assert [listed["job_id"] for listed in api.get(JOBS).json()["jobs"]] == []
    assert api.get(path).status_code == 404
    assert delete(api, job) == 404
    assert api.post(f"{JOBS}/cancel", {"job_ids": [str(job.pk)]}).status_code == 404
    begin = {"type": "video", "prompt": "1girl", "source": str(output.pk)}
    assert api.post(GENERATE, begin).status_code == 422
    enhanced = api.post(f"/api/anime/outputs/{output.pk}/enhance", {"upscale": 2})
    assert enhanced.status_code == 404

    assert api.post(f"{path}/restore").json()["status"] == "completed"
    assert api.get(path).status_code == 200
    assert api.post(f"{path}/restore").status_code == 404


def test_a_job_that_has_not_ended_is_refused(api: Caller, job: Job) -> None:
    answer = api.client.delete(f"{JOBS}/{job.pk}")

    assert (answer.status_code, answer.json()["code"]) == (409, "delete_needs_end")
