"""Asking for estimates that must be there."""

from __future__ import annotations

from generation.estimating import estimator
from generation.estimating.prediction import Prediction
from generation.models import Device
from generation.specs import RenderSpec


def make_resident(device: Device, *slugs: str) -> None:
    Device.objects.filter(pk=device.pk).update(resident=list(slugs))
    device.resident = list(slugs)


def foretold(
    spec: RenderSpec, device: Device | None = None, cold: bool | None = None
) -> Prediction:
    """An estimate that must be there."""
    prediction = estimator.predict(spec, device, cold=cold)
    assert prediction is not None
    return prediction
