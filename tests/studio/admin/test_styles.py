"""Styles: their lists, copies, and invalid settings."""

from __future__ import annotations

from types import SimpleNamespace

from django.test import Client

from generation.models import Job
from generation.states import Status
from studio.models import Style
from tests.studio.admin.asking import act, address, filled, text


def test_list_shows_the_newest_picture_and_a_render_link(
    as_root: Client, ours: SimpleNamespace
) -> None:
    for page in (address(Style), address(Style, "change", ours.style.pk)):
        shown = text(as_root.get(page))
        assert f'src="/outputs/{ours.output.pk}/thumbnail/"' in shown
        assert 'href="/render/?style=mika-ink"' in shown


def test_style_without_a_finished_take_shows_a_dash(as_root: Client, ours: SimpleNamespace) -> None:
    Job.objects.update(status=Status.FAILED)
    for page in (address(Style), address(Style, "change", ours.style.pk), address(Style, "add")):
        shown = text(as_root.get(page))
        assert '<span class="quiet">–</span>' in shown
        assert "/thumbnail/" not in shown


def test_duplicate_is_inactive_and_has_its_own_name_and_slug(
    as_root: Client, ours: SimpleNamespace
) -> None:
    act(as_root, Style, "duplicate", ours.style)
    act(as_root, Style, "duplicate", ours.style)
    copies = Style.objects.exclude(pk=ours.style.pk).order_by("slug")
    assert [copy.slug for copy in copies] == ["mika-ink-copy", "mika-ink-copy-2"]
    assert not any(copy.is_active for copy in copies)
    assert copies[0].template == ours.style.template


def test_settings_are_shown_in_words(as_root: Client, ours: SimpleNamespace) -> None:
    Style.objects.update(guidance=3.5, steps=30, scheduler="EulerDiscreteScheduler")
    page = text(as_root.get(address(Style)))
    assert "guidance 3.5, scheduler EulerDiscreteScheduler, 30 steps" in page


def test_template_without_prompt_is_refused(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Style, "change", ours.style.pk)
    answer = as_root.post(url, filled(as_root, url) | {"template": "ink"})
    assert "must hold {prompt} exactly once" in text(answer)


def test_scheduler_that_does_not_exist_is_refused(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Style, "change", ours.style.pk)
    answer = as_root.post(url, filled(as_root, url) | {"scheduler": "FastestScheduler"})
    assert "is not one of the available choices" in text(answer)
    # Saving the form keeps a scheduler that is not in the list.
    Style.objects.update(scheduler="SASolverScheduler")
    assert as_root.post(url, filled(as_root, url)).status_code == 302
    assert Style.objects.get().scheduler == "SASolverScheduler"
