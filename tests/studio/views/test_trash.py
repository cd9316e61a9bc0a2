"""Deleting a take from its page, and the trash."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generation.models import Job, Output
from studio.models import Take
from studio.production import reviewing
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(artist: User, log_in: LogIn) -> Client:
    return log_in(artist)


def delete(browser: Client, take: Take) -> list[str]:
    """Press delete; the codes of what the next page says."""
    answer = browser.post(reverse("take-delete", args=[take.pk]), follow=True)
    return [message.extra_tags for message in answer.context["messages"]]


def everywhere(browser: Client, take: Take) -> list[str]:
    """The pages on which the take is seen, and its own address if it answers."""
    shot = take.shot
    pages = [shot.get_absolute_url(), reverse("gallery"), "/"]
    seen = [page for page in pages if f"/takes/{take.pk}/" in browser.get(page).content.decode()]
    own = [take.get_absolute_url(), reverse("job", args=[take.job_id])]
    if take.output:
        own.append(reverse("output", args=[take.output.pk]))
    return seen + [page for page in own if browser.get(page).status_code == 200]


def test_a_deleted_take_is_gone_everywhere_until_it_is_restored(
    finished: MakeTake, browser: Client
) -> None:
    take = finished()
    before = everywhere(browser, take)
    assert len(before) == 6

    assert delete(browser, take) == ["deleted"]
    assert everywhere(browser, take) == []
    trash = browser.get(reverse("trash")).content.decode()
    assert f"take {take.number}" in trash

    browser.post(reverse("trash-restore", args=[take.job_id]))
    assert everywhere(browser, take) == before
    assert "The trash is empty" in browser.get(reverse("trash")).content.decode()


def test_a_take_that_renders_is_not_deleted(running: MakeTake, browser: Client) -> None:
    take = running()

    assert delete(browser, take) == ["delete_needs_end"]
    assert Job.objects.kept().filter(pk=take.job_id).exists()


def test_a_take_in_review_is_not_deleted(finished: MakeTake, artist: User, browser: Client) -> None:
    take = finished()
    reviewing.request_review(take, artist)

    assert delete(browser, take) == ["delete_in_review"]


def test_deleting_for_good_frees_the_files_at_once(finished: MakeTake, browser: Client) -> None:
    take = finished()
    output = take.output
    assert output is not None
    delete(browser, take)

    browser.post(reverse("trash-free", args=[take.job_id]))

    assert not output.file.storage.exists(output.file.name)
    assert not Output.objects.filter(pk=output.pk).exists()
    assert browser.post(reverse("trash-restore", args=[take.job_id])).status_code == 404


def test_a_new_take_does_not_get_the_number_of_a_deleted_one(
    finished: MakeTake, queued: MakeTake, browser: Client
) -> None:
    take = finished()
    delete(browser, take)

    assert queued().number == take.number + 1
