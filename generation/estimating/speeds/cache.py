"""A cache of the devices' learned speeds for one process. Only changed rows are read again.

So the cost of an estimate does not depend on the length of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf
from time import monotonic

from django.db import connection

from generation.estimating import cost
from generation.estimating.cost import Demand, Demands
from generation.estimating.shapes import Shape, parse
from generation.estimating.speeds.first_speeds import first_speeds
from generation.estimating.speeds.learning import AFTERWARDS, Speeds
from generation.models import Device, LearnedSpeed, ModelCard
from generation.pipelines.costs import Costs

SHAPES_KEPT = 20_000
"""The number of cached run times at which the cache is cleared."""
CARDS_SECONDS = 10.0
"""How long the costs of models are cached."""


@dataclass(slots=True)
class SpeedSource:
    """The speeds to use for a model on a device.

    `foreign` is True if they were learned from another model. `measured` is True if the device has
    rendered nothing yet, and they come from the measurement at its first start.
    """

    speeds: Speeds
    foreign: bool = False
    measured: bool = False


class SpeedCache:
    """Caches learned speeds, the costs of models, and which devices have the same hardware.

    Threads may share it: a dictionary that is iterated over is replaced, never changed in place.
    """

    def __init__(self) -> None:
        self._speeds: dict[tuple[int, str], tuple[int, Speeds]] = {}
        self._costs: dict[str, tuple[Costs, int]] = {}
        self._costs_read = -inf
        self._twins: dict[int, list[int]] = {}
        self._latest: dict[int, Speeds] = {}
        self._measured: dict[int, Speeds] = {}
        self._seconds: dict[tuple[int, str], tuple[Speeds, float, float | None, float]] = {}

    def refresh(self) -> None:
        """Read the changes since the last call; usually this is one short query."""
        # SQL, because every claim runs this and the ORM takes longer than the query.
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, device_id, subject, version FROM generation_learnedspeed")
            rows = cursor.fetchall()
        known = self._speeds
        stale = [
            pk
            for pk, device, subject, version in rows
            if known.get((device, subject), (0, None))[0] != version
        ]
        fewer = len(known) > len(rows)
        if fewer:
            present = {(device, subject) for _, device, subject, _ in rows}
            known = {key: entry for key, entry in known.items() if key in present}
        if stale or fewer:
            self._speeds = known | {
                (row.device_id, row.subject): (row.version, Speeds.from_json(row.state))
                for row in LearnedSpeed.objects.filter(pk__in=stale)
            }
            self._latest = self._learned_last()
        self.refresh_costs()

    def refresh_costs(self) -> None:
        """Read the costs of models and the devices again if they were read too long ago."""
        if monotonic() - self._costs_read > CARDS_SECONDS:
            self._read_cards()

    def keep(self, device_id: int, subject: str, version: int, speeds: Speeds) -> None:
        """Cache speeds that this process has just written, so that it need not read them."""
        self._speeds = self._speeds | {(device_id, subject): (version, speeds)}
        self._latest = self._latest | {device_id: speeds}

    def source(self, device: Device, subject: str) -> SpeedSource | None:
        """The device's own speeds of a model, else those of a device with the same hardware.

        Else the speeds of another model on the device, else the measurement at its first start.
        """
        if device.pk not in self._twins:
            # The device is new since the last read.
            self._read_cards()
        for pk in (device.pk, *self._twins.get(device.pk, ())):
            own = self._speeds.get((pk, subject))
            if own is not None and own[1].attempts:
                return SpeedSource(own[1])
        others = [
            speeds
            for (pk, other), (_, speeds) in self._speeds.items()
            if pk == device.pk and other and speeds.attempts and subject
        ]
        if not others:
            first = self._measured.get(device.pk)
            return SpeedSource(first, measured=True) if first else None
        return SpeedSource(max(others, key=lambda speeds: speeds.attempts), foreign=True)

    def latest(self, device: Device) -> Speeds | None:
        """The speeds of any model that were learned last on a device; they have its drift."""
        return self._latest.get(device.pk)

    def drift(self, device: Device) -> float | None:
        """The logarithm of the factor by which runs take longer there lately; None if unknown."""
        latest = self.latest(device)
        return latest.drift if latest else None

    def beside(self, device: Device, speeds: Speeds, demands: Demands) -> list[Speeds]:
        """The speeds of other models on the device, if a stage after decoding is not known."""
        if not (AFTERWARDS & demands.keys()) - speeds.stages.keys():
            return []
        return [known for (pk, _), (_, known) in self._speeds.items() if pk == device.pk]

    def demands(self, shape: Shape) -> Demands:
        """The demands of the stages of a shape."""
        costs, size = self._costs.get(shape.subject) or (Costs.from_json({}), 0)
        return cost.demands(shape, costs, size)

    def loading(self, model: str) -> Demand:
        """The demand of loading a model."""
        _, size = self._costs.get(model) or (None, 0)
        return Demand(1.0, size / 1e9, model)

    def warm_seconds(self, device: Device, shape: str) -> float | None:
        """Seconds of a shape on a device at the present load of its host, without model loading.

        The seconds without drift are cached while they are valid. The drift itself is not cached,
        because it changes with every attempt.
        """
        try:
            parsed = parse(shape)
        except ValueError:
            # An older version wrote this job. It waits like others, but without an estimate.
            return None
        source = self.source(device, parsed.subject)
        if source is None:
            return None
        load = round(device.host_load, 1)
        known = self._seconds.get((device.pk, shape))
        if known is None or known[0] is not source.speeds or known[1] != load:
            if len(self._seconds) > SHAPES_KEPT:
                self._seconds = {}
            demands = self.demands(parsed)
            stages = source.speeds.stage_seconds(
                demands,
                cold=False,
                load=load,
                drift=0.0,
                foreign=source.foreign,
                beside=self.beside(device, source.speeds, demands),
            )
            seconds, rest = (
                sum(stages.values()) if stages else None,
                source.speeds.rest_seconds(load),
            )
            known = self._seconds[device.pk, shape] = (source.speeds, load, seconds, rest)
        _, _, seconds, rest = known
        if seconds is None:
            return None
        drift = self.drift(device)
        return seconds * exp(source.speeds.drift if drift is None else drift) + rest

    def _learned_last(self) -> dict[int, Speeds]:
        found: dict[int, Speeds] = {}
        for (device, _), (_, speeds) in self._speeds.items():
            if device not in found or speeds.turn > found[device].turn:
                found[device] = speeds
        return found

    def _read_cards(self) -> None:
        cards = ModelCard.objects.select_related("base")
        self._costs = {
            card.slug: (Costs.from_json(card.costs), card.loaded_bytes) for card in cards
        }
        alike: dict[tuple[str, str], list[int]] = {}
        devices = list(Device.objects.values_list("pk", "kind", "label", "measured"))
        for pk, kind, label, _ in devices:
            alike.setdefault((kind, label), []).append(pk)
        self._twins = {
            pk: [other for other in alike[kind, label] if other != pk]
            for pk, kind, label, _ in devices
        }
        made = {pk: first_speeds(kind, measured) for pk, kind, _, measured in devices}
        self._measured = {pk: speeds for pk, speeds in made.items() if speeds}
        self._costs_read = monotonic()
