"""Asking for estimates that must be there."""

from __future__ import annotations

from generation.estimating import estimator
from generation.estimating.estimate import Estimate
from generation.models import Device
from generation.specs import RenderSpec


def make_resident(device: Device, *slugs: str) -> None:
    Device.objects.filter(pk=device.pk).update(resident=list(slugs))
    device.resident = list(slugs)


def estimated(spec: RenderSpec, device: Device | None = None, cold: bool | None = None) -> Estimate:
    """An estimate that must be there."""
    estimate = estimator.estimate(spec, device, cold=cold)
    assert estimate is not None
    return estimate
