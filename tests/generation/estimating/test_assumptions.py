"""What an estimate goes by: what is loaded, what the host does, and what other models taught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from generation.estimating import estimator
from generation.estimating.knowledge import Knowledge
from generation.estimating.learning import Speeds
from generation.estimating.prediction import Prediction
from generation.estimating.shapes import Shape
from generation.models import Device, Job, LearnedSpeed, ModelCard
from generation.specs import RenderSpec
from generation.states import Stage
from tests.generation.conftest import Ran

pytestmark = pytest.mark.django_db


def foretold(spec: RenderSpec) -> Prediction:
    """An estimate that must be there."""
    prediction = estimator.predict(spec)
    assert prediction is not None
    return prediction


def test_enlarging_is_known_from_whatever_was_enlarged_on_the_device(
    ran: Ran, spec: RenderSpec, device: Device, toon: ModelCard
) -> None:
    Device.objects.update(resident=["toon"])
    ran(30.0)
    larger = replace(spec, upscale=2, upscaler="lanczos")
    assert estimator.predict(larger) is None

    speeds = Speeds("cpu")
    demands = Knowledge.demands(Shape.of(replace(larger, model="other")))
    speeds.learn(demands, dict.fromkeys(demands, 2.0), cold=False, load=0.0)
    LearnedSpeed.objects.create(device=device, subject="other", state=speeds.as_json())

    found = foretold(larger)
    assert found.stages[Stage.UPSCALE] == pytest.approx(2.0, rel=0.01)
    assert Knowledge.warm_seconds(device, str(Shape.of(larger))) == pytest.approx(found.seconds)


def test_an_estimate_says_what_it_holds_for(
    ran: Ran, spec: RenderSpec, submit: Callable[..., Job], device: Device
) -> None:
    ran(30.0, load=4.0)
    assert foretold(spec).assumed == {"device": "cpu:0", "cold": True, "host_load": 0.0}
    Device.objects.update(resident=["toon"])
    Device.objects.update(host_load=0.51239)

    assert submit().assumed == {"device": "cpu:0", "cold": False, "host_load": 0.512}
