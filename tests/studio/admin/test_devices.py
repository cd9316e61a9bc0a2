"""Devices: paused by people, told about by their workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generation.models import Device
from tests.studio.admin.asking import address, text


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
        "form-0-is_paused": "on",
        "_save": "Save",
    }
    assert as_root.post(address(Device), data).status_code == 302
    device.refresh_from_db()
    assert device.is_paused
    assert (device.heartbeat_at, device.resident) == (heard, ["toon"])
    assert "Paused" in text(as_root.get(address(Device)))


def test_only_a_device_that_is_away_can_be_removed(as_root: Client, device: Device) -> None:
    url = address(Device, "delete", device.pk)
    assert as_root.post(url, {"post": "yes"}).status_code == 403
    Device.objects.update(heartbeat_at=None)
    assert as_root.post(url, {"post": "yes"}).status_code == 302
    assert not Device.objects.exists()
