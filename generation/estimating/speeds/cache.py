"""What a process knows of the devices' speeds: it keeps what it has read, and reads what changed.

So an estimate costs the same however long the history is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from time import monotonic

from django.db import connection

from generation.estimating import cost
from generation.estimating.cost import Demand, Demands
from generation.estimating.shapes import Shape, parse
from generation.estimating.speeds.learning import AFTERWARDS, Speeds
from generation.models import Device, LearnedSpeed, ModelCard
from generation.pipelines.costs import Costs

SHAPES_KEPT = 20_000
"""So many answers a process keeps before it starts anew."""
CARDS_SECONDS = 10.0
"""For so long a process believes what it has read of the models' costs."""


@dataclass(slots=True)
class SpeedSource:
    """Speeds to go by for a model on a device, and whether they are another's."""

    speeds: Speeds
    foreign: bool = False


class Knowledge:
    """What this process has read. One for all threads: what one forgets, another reads again."""

    _speeds: dict[tuple[int, str], tuple[int, Speeds]] = {}
    _costs: dict[str, tuple[Costs, int]] = {}
    _costs_read = 0.0
    _twins: dict[int, list[int]] = {}
    _latest: dict[int, Speeds] = {}
    _seconds: dict[tuple[int, str], tuple[Speeds, float, float | None, float]] = {}

    @classmethod
    def forget(cls) -> None:
        """Read everything anew when it is asked for next."""
        cls._speeds, cls._costs, cls._twins, cls._seconds, cls._latest = {}, {}, {}, {}, {}
        cls._costs_read = 0.0

    @classmethod
    def refresh(cls) -> None:
        """Read what has changed since the last look: one short query, mostly."""
        # Written in SQL: the claim asks this every time, and the ORM takes longer than the query.
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, device_id, subject, version FROM generation_learnedspeed")
            rows = cursor.fetchall()
        known = cls._speeds
        stale = [
            pk
            for pk, device, subject, version in rows
            if known.get((device, subject), (0, None))[0] != version
        ]
        fewer = len(known) > len(rows)
        if fewer:
            present = {(device, subject) for _, device, subject, _ in rows}
            known = {key: one for key, one in known.items() if key in present}
        if stale or fewer:
            cls._speeds = known | {
                (row.device_id, row.subject): (row.version, Speeds.from_json(row.state))
                for row in LearnedSpeed.objects.filter(pk__in=stale)
            }
            cls._latest = cls._learned_last()
        cls.refresh_costs()

    @classmethod
    def refresh_costs(cls) -> None:
        """Read the models' costs and the devices again, now and then."""
        if monotonic() - cls._costs_read > CARDS_SECONDS:
            cls._read_cards()

    @classmethod
    def keep(cls, device_id: int, subject: str, version: int, speeds: Speeds) -> None:
        """Take what this process has just written, so that it need not read it again."""
        cls._speeds = cls._speeds | {(device_id, subject): (version, speeds)}
        cls._latest = cls._latest | {device_id: speeds}

    @classmethod
    def source(cls, device: Device, subject: str) -> SpeedSource | None:
        """The device's own speeds of a model, else its twins', else of another of its models."""
        if device.pk not in cls._twins:
            # It has joined since.
            cls._read_cards()
        for pk in (device.pk, *cls._twins.get(device.pk, ())):
            own = cls._speeds.get((pk, subject))
            if own is not None and own[1].attempts:
                return SpeedSource(own[1])
        if not subject:
            return None
        others = [
            speeds
            for (pk, other), (_, speeds) in cls._speeds.items()
            if pk == device.pk and other and speeds.attempts
        ]
        if not others:
            return None
        return SpeedSource(max(others, key=lambda speeds: speeds.attempts), foreign=True)

    @classmethod
    def latest(cls, device: Device) -> Speeds | None:
        """What was learned last on a device, of whichever model: it knows the device's drift."""
        return cls._latest.get(device.pk)

    @classmethod
    def drift(cls, device: Device) -> float | None:
        """By how much, as a logarithm, everything takes longer there lately; None: nobody knows."""
        latest = cls.latest(device)
        return latest.drift if latest else None

    @classmethod
    def beside(cls, device: Device, speeds: Speeds, demands: Demands) -> list[Speeds]:
        """What the device knows of other models, when some stage after the drawing is missing."""
        if not (AFTERWARDS & demands.keys()) - speeds.stages.keys():
            return []
        return [known for (pk, _), (_, known) in cls._speeds.items() if pk == device.pk]

    @classmethod
    def demands(cls, shape: Shape) -> Demands:
        """What the stages of a shape have to do."""
        costs, size = cls._costs.get(shape.model) or (Costs.from_json({}), 0)
        return cost.demands(shape, costs, size)

    @classmethod
    def loading(cls, model: str) -> Demand:
        """What loading a model has to do."""
        _, size = cls._costs.get(model) or (None, 0)
        return Demand(1.0, size / 1e9, model)

    @classmethod
    def warm_seconds(cls, device: Device, shape: str) -> float | None:
        """Seconds of a shape on a device as busy as its host is, loading aside.

        What comes before the drift is kept while it is true: the drift moves with every attempt.
        """
        try:
            parsed = parse(shape)
        except ValueError:
            # Of a job that an older version wrote: it waits like others, without an estimate.
            return None
        source = cls.source(device, subject_of(parsed))
        if source is None:
            return None
        load = round(device.host_load, 1)
        known = cls._seconds.get((device.pk, shape))
        if known is None or known[0] is not source.speeds or known[1] != load:
            if len(cls._seconds) > SHAPES_KEPT:
                cls._seconds.clear()
            demands = cls.demands(parsed)
            stages = source.speeds.stage_seconds(
                demands,
                cold=False,
                load=load,
                drift=0.0,
                foreign=source.foreign,
                beside=cls.beside(device, source.speeds, demands),
            )
            seconds, rest = (
                sum(stages.values()) if stages else None,
                source.speeds.rest_seconds(load),
            )
            known = cls._seconds[device.pk, shape] = (source.speeds, load, seconds, rest)
        _, _, seconds, rest = known
        if seconds is None:
            return None
        drift = cls.drift(device)
        return seconds * exp(source.speeds.drift if drift is None else drift) + rest

    @classmethod
    def _learned_last(cls) -> dict[int, Speeds]:
        found: dict[int, Speeds] = {}
        for (device, _), (_, speeds) in cls._speeds.items():
            if device not in found or speeds.turn > found[device].turn:
                found[device] = speeds
        return found

    @classmethod
    def _read_cards(cls) -> None:
        cards = ModelCard.objects.select_related("base")
        cls._costs = {card.slug: (Costs.from_json(card.costs), card.loaded_bytes) for card in cards}
        alike: dict[tuple[str, str], list[int]] = {}
        devices = list(Device.objects.values_list("pk", "kind", "label"))
        for pk, kind, label in devices:
            alike.setdefault((kind, label), []).append(pk)
        cls._twins = {
            pk: [other for other in alike[kind, label] if other != pk]
            for pk, kind, label in devices
        }
        cls._costs_read = monotonic()


def subject_of(shape: Shape) -> str:
    """What speeds are learned of: the model, or enhancing, which is empty."""
    return shape.model if shape.draws else ""
