"""Estimates the run time of a render on a device, with a range, and learns from every attempt.

The arithmetic is in `speeds.learning`, and the cache of the learned speeds in `speeds.cache`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from math import exp, inf, log

from django.db import transaction
from django.utils import timezone

from generation.estimating.cost import Demands
from generation.estimating.estimate import Estimate, estimate_from
from generation.estimating.shapes import Shape, parse
from generation.estimating.speeds.cache import SpeedCache
from generation.estimating.speeds.learning import REST, Speeds
from generation.models import Attempt, Device, LearnedSpeed
from generation.specs import RenderSpec
from generation.states import Stage, Work

logger = logging.getLogger(__name__)


def shape_of(spec: RenderSpec) -> str:
    """The shape of a spec as a short text. Renders of one shape have comparable run times."""
    return str(Shape.of(spec))


class Estimator:
    """Estimates from the learned speeds of the devices, and learns from finished attempts.

    `speeds` caches the learned speeds. A process has one estimator, and its threads may share it.
    """

    def __init__(self) -> None:
        self.speeds = SpeedCache()

    def estimate(
        self, spec: RenderSpec, device: Device | None = None, *, cold: bool | None = None
    ) -> Estimate | None:
        """Estimate the run time of a spec on a device, or on the fastest online device for it.

        Returns None without evidence. `cold` says whether the model must be loaded first; None
        derives it from the models that are loaded on the device now.
        """
        self.speeds.refresh()
        if device is not None:
            return self.estimate_shape(Shape.of(spec), spec.work, device, cold)
        return self._quickest(spec, list(Device.objects.online()), cold)

    def estimate_all(self, specs: Iterable[RenderSpec]) -> list[Estimate | None]:
        """Like `estimate` for many specs, with only one read of the database."""
        self.speeds.refresh()
        devices = list(Device.objects.online())
        return [self._quickest(spec, devices, None) for spec in specs]

    def _quickest(
        self, spec: RenderSpec, devices: list[Device], cold: bool | None
    ) -> Estimate | None:
        shape = Shape.of(spec)
        found = [
            self.estimate_shape(shape, spec.work, device, cold)
            for device in devices
            if spec.work in device.works
        ]
        known = [estimate for estimate in found if estimate is not None]
        return min(known, key=lambda estimate: estimate.seconds) if known else None

    def estimate_shape(
        self, shape: Shape, work: Work, device: Device, cold: bool | None = None
    ) -> Estimate | None:
        """Like `estimate` for a shape, from the cached speeds. Call `speeds.refresh` before."""
        source = self.speeds.source(device, shape.subject)
        if source is None:
            return None
        if cold is None:
            cold = bool(shape.subject) and shape.subject not in device.resident
        demands = self.speeds.demands(shape)
        estimate = estimate_from(
            source.speeds,
            demands,
            work,
            cold=cold,
            host_load=device.host_load,
            drift=self.speeds.drift(device),
            foreign=source.foreign,
            beside=self.speeds.beside(device, source.speeds, demands),
            device=device.name,
        )
        # The measurement at the first start is not evidence from a render.
        return replace(estimate, evidence=0) if estimate and source.measured else estimate

    def load_seconds(self, device: Device, model: str) -> float | None:
        """Estimated seconds of loading a model on a device; None if it was never loaded there."""
        source = self.speeds.source(device, model)
        known = source.speeds.stages.get(Stage.LOAD) if source else None
        if source is None or known is None:
            return None
        seconds = known.seconds(self.speeds.loading(model), device.host_load)
        drift = self.speeds.drift(device)
        drift_factor = exp(source.speeds.drift if drift is None else drift)
        return seconds * drift_factor if seconds is not None else None

    def learn(self, attempt: Attempt, timings: Iterable[tuple[str, float]]) -> None:
        """Learn from one finished attempt and the seconds of its stages.

        Call this in the transaction that ends the job, and only for attempts that ran alone and
        from the start: the times of other attempts are not comparable.
        """
        if attempt.device is None or attempt.run_seconds is None:
            return
        stages: dict[str, float] = dict(timings)
        if not _is_plausible(attempt.run_seconds, stages):
            logger.warning("nothing is learned from an attempt of %s s", attempt.run_seconds)
            return
        shape = parse(attempt.shape)
        row, speeds = self._row(attempt.device, shape.subject)
        stages[REST] = attempt.run_seconds - sum(stages.values())
        demands = self.speeds.demands(shape)
        _learn_error(speeds, attempt, demands)
        speeds.learn(
            demands,
            stages,
            cold=bool(attempt.cold),
            load=attempt.host_load,
            latest=self.speeds.latest(attempt.device),
        )
        row.state, row.version = speeds.as_json(), row.version + 1
        row.save()
        kept = (row.device_id, row.subject, row.version, speeds)
        transaction.on_commit(lambda: self.speeds.keep(*kept))

    def _row(self, device: Device, subject: str) -> tuple[LearnedSpeed, Speeds]:
        """The row to change and its speeds; a new row has learned nothing."""
        self.speeds.refresh_costs()
        row = (
            LearnedSpeed.objects.select_for_update().filter(device=device, subject=subject).first()
        )
        if row is None:
            row = LearnedSpeed(device=device, subject=subject, version=0, updated_at=timezone.now())
            return row, Speeds(device.kind)
        return row, Speeds.from_json(row.state)


def _is_plausible(run_seconds: float, stages: dict[str, float]) -> bool:
    """Whether these seconds can be those of a run; a clock may have been wrong."""
    return 0 < run_seconds < inf and all(0 <= seconds < inf for seconds in stages.values())


def _learn_error(speeds: Speeds, attempt: Attempt, demands: Demands) -> None:
    """Learn the error of the estimate at submission, compared with the actual run time."""
    job = attempt.job
    low, high = job.estimated_low, job.estimated_high
    if not job.estimated_seconds or not attempt.run_seconds or low is None or high is None:
        return
    error = log(attempt.run_seconds / job.estimated_seconds)
    inside = low <= attempt.run_seconds <= high
    speeds.band(job.work).learn(error, inside, speeds.unsure(demands))
