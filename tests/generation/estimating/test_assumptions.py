"""Assumptions of estimates: loaded models, host load and speeds of other models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from generation.estimating.estimate import Estimate
from generation.estimating.estimator import Estimator
from generation.estimating.shapes import Shape
from generation.estimating.speeds.learning import Speeds
from generation.models import Device, Job, LearnedSpeed, ModelCard
from generation.specs import RenderSpec
from generation.states import Stage
from tests.generation.conftest import Ran

pytestmark = pytest.mark.django_db


def estimated(spec: RenderSpec, estimator: Estimator) -> Estimate:
    """The estimate of a spec; fails if there is none."""
    estimate = estimator.estimate(spec)
    assert estimate is not None
    return estimate


def test_upscaling_is_estimated_from_any_upscaling_on_the_device(
    ran: Ran, spec: RenderSpec, device: Device, toon: ModelCard, estimator: Estimator
) -> None:
    Device.objects.update(resident=["toon"])
    ran(30.0)
    larger = replace(spec, upscale=2, upscaler="lanczos")
    assert estimator.estimate(larger) is None

    speeds = Speeds("cpu")
    demands = estimator.speeds.demands(Shape.of(replace(larger, model="other")))
    speeds.learn(demands, dict.fromkeys(demands, 2.0), cold=False, load=0.0)
    LearnedSpeed.objects.create(device=device, subject="other", state=speeds.as_json())

    found = estimated(larger, estimator)
    assert found.stages[Stage.UPSCALE] == pytest.approx(2.0, rel=0.01)
    assert estimator.speeds.warm_seconds(device, str(Shape.of(larger))) == pytest.approx(
        found.seconds
    )


def test_an_estimate_has_its_assumptions(
    ran: Ran,
    spec: RenderSpec,
    submit: Callable[..., Job],
    device: Device,
    estimator: Estimator,
) -> None:
    ran(30.0, load=4.0)
    assert estimated(spec, estimator).assumed == {"device": "cpu:0", "cold": True, "host_load": 0.0}
    Device.objects.update(resident=["toon"])
    Device.objects.update(host_load=0.51239)

    assert submit().assumed == {"device": "cpu:0", "cold": False, "host_load": 0.512}
