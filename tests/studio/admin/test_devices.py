"""Devices: people pause them, workers describe them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generation.models import Device
from generation.states import Pause, Work
from tests.studio.admin.asking import address, filled, text


def test_pausing_a_device_keeps_what_its_worker_wrote(
    as_root: Client, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = timezone.now() + timedelta(seconds=5)
    full_clean = Device.full_clean

    def heartbeat_meanwhile(row: Device, *args: Any, **kwargs: Any) -> None:
        Device.objects.filter(pk=row.pk).update(heartbeat_at=heard, resident=["toon"])
        full_clean(row, *args, **kwargs)

    monkeypatch.setattr(Device, "full_clean", heartbeat_meanwhile)
    data = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": device.pk,
        "form-0-pause": "at_once",
        "_save": "Save",
    }
    assert as_root.post(address(Device), data).status_code == 302
    device.refresh_from_db()
    assert device.pause == Pause.AT_ONCE
    assert (device.heartbeat_at, device.resident) == (heard, ["toon"])
    assert "Paused" in text(as_root.get(address(Device)))


def test_only_a_device_that_is_away_can_be_removed(as_root: Client, device: Device) -> None:
    url = address(Device, "delete", device.pk)
    assert as_root.post(url, {"post": "yes"}).status_code == 200
    assert Device.objects.exists()
    Device.objects.update(heartbeat_at=None)
    assert as_root.post(url, {"post": "yes"}).status_code == 302
    assert not Device.objects.exists()


def test_a_lead_sets_the_work_of_a_device(as_root: Client, device: Device) -> None:
    url = address(Device, "change", device.pk)
    chosen = {"works": ["video", "interpolate"], "families": ["animatediff"], "largest_size": 512}
    data = {**filled(as_root, url), **chosen}
    assert as_root.post(url, data).status_code == 302
    device.refresh_from_db()
    assert device.works == [Work.VIDEO, Work.INTERPOLATE]
    assert (device.families, device.largest_size) == (["animatediff"], 512)
    assert "Videos, Interpolation" in text(as_root.get(address(Device)))


@pytest.mark.parametrize("chosen", [{"works": []}, {"works": ["cooking"]}, {"pause": "for_lunch"}])
def test_invalid_rules_are_refused(chosen: dict[str, Any], as_root: Client, device: Device) -> None:
    url = address(Device, "change", device.pk)
    assert as_root.post(url, {**filled(as_root, url), **chosen}).status_code == 200
    device.refresh_from_db()
    assert (device.works, device.pause) == (list(Work), Pause.NONE)


def test_pausing_a_device_publishes_an_event(
    as_root: Client,
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("generation.live.events.publish", lambda kind, *_, **__: told.append(kind))
    url = address(Device, "change", device.pk)
    with django_capture_on_commit_callbacks(execute=True):
        as_root.post(url, {**filled(as_root, url), "pause": "after_job"})
    assert told == ["device.changed"]
