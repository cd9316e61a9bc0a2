"""Estimates for tests."""

from __future__ import annotations

from generation.estimating.estimate import Estimate
from generation.estimating.estimator import Estimator
from generation.models import Device
from generation.specs import RenderSpec


def make_resident(device: Device, *slugs: str) -> None:
    Device.objects.filter(pk=device.pk).update(resident=list(slugs))
    device.resident = list(slugs)


def estimated(
    spec: RenderSpec,
    device: Device | None = None,
    cold: bool | None = None,
    by: Estimator | None = None,
) -> Estimate:
    """The estimate of a spec, by a new estimator or `by`; fails if there is none."""
    estimate = (by or Estimator()).estimate(spec, device, cold=cold)
    assert estimate is not None
    return estimate
