"""Estimates: what a render will take on a device, with a range, learned from every attempt.

The arithmetic is in `learning`; this module reads what was learned from the database, chooses what
to go by, and writes what a finished attempt has taught. A process keeps what it has read and reads
again only what has changed, so an estimate costs the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from time import monotonic

from django.db import connection, transaction
from django.utils import timezone

from generation.estimating import cost
from generation.estimating.cost import Demands
from generation.estimating.learning import AFTERWARDS, REST, Speeds
from generation.estimating.prediction import Prediction, foretell
from generation.estimating.shapes import Shape, parse
from generation.models import Attempt, Device, LearnedSpeed, ModelCard
from generation.pipelines.flops import Costs
from generation.specs import RenderSpec
from generation.states import Stage, Work

SHAPES_KEPT = 20_000
"""So many answers a process keeps before it starts anew."""
CARDS_SECONDS = 10.0
"""For so long a process believes what it has read of the models' costs."""


@dataclass(slots=True)
class _Source:
    """Speeds to go by for a model on a device, and whether they are another's."""

    speeds: Speeds
    foreign: bool = False


class Knowledge:
    """What this process has read. One for all threads: what one forgets, another reads again."""

    _speeds: dict[tuple[int, str], tuple[int, Speeds]] = {}
    _costs: dict[str, tuple[Costs, int]] = {}
    _costs_read = 0.0
    _twins: dict[int, list[int]] = {}
    _seconds: dict[tuple[int, str], tuple[Speeds, float, float | None]] = {}

    @classmethod
    def forget(cls) -> None:
        """Read everything anew when it is asked for next."""
        cls._speeds, cls._costs, cls._twins, cls._seconds = {}, {}, {}, {}
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
        if len(known) > len(rows):
            present = {(device, subject) for _, device, subject, _ in rows}
            cls._speeds = known = {key: one for key, one in known.items() if key in present}
        if stale:
            cls._speeds = known | {
                (row.device_id, row.subject): (row.version, Speeds.from_json(row.state))
                for row in LearnedSpeed.objects.filter(pk__in=stale)
            }
        if monotonic() - cls._costs_read > CARDS_SECONDS:
            cls._read_cards()

    @classmethod
    def keep(cls, device_id: int, subject: str, version: int, speeds: Speeds) -> None:
        """Take what this process has just written, so that it need not read it again."""
        cls._speeds = cls._speeds | {(device_id, subject): (version, speeds)}

    @classmethod
    def source(cls, device: Device, subject: str) -> _Source | None:
        """The device's own speeds of a model, else its twins', else of another of its models."""
        if device.pk not in cls._twins:
            # It has joined since.
            cls._read_cards()
        for pk in (device.pk, *cls._twins.get(device.pk, ())):
            own = cls._speeds.get((pk, subject))
            if own is not None and own[1].attempts:
                return _Source(own[1])
        if not subject:
            return None
        others = [
            speeds
            for (pk, other), (_, speeds) in cls._speeds.items()
            if pk == device.pk and other and speeds.attempts
        ]
        if not others:
            return None
        return _Source(max(others, key=lambda speeds: speeds.attempts), foreign=True)

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
    def warm_seconds(cls, device: Device, shape: str) -> float | None:
        """Seconds of a shape on a device with an idle host, loading aside; kept while true."""
        try:
            parsed = parse(shape)
        except ValueError:
            # Of a job that an older version wrote: it waits like others, without an estimate.
            return None
        source = cls.source(device, _subject(parsed))
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
                foreign=source.foreign,
                beside=cls.beside(device, source.speeds, demands),
            )
            seconds = sum(stages.values()) + source.speeds.rest_seconds(load) if stages else None
            known = cls._seconds[device.pk, shape] = (source.speeds, load, seconds)
        return known[2]

    @classmethod
    def _read_cards(cls) -> None:
        cards = ModelCard.objects.select_related("base")
        cls._costs = {card.slug: (Costs.from_json(card.costs), _bytes(card)) for card in cards}
        alike: dict[tuple[str, str], list[int]] = {}
        devices = list(Device.objects.values_list("pk", "kind", "label"))
        for pk, kind, label in devices:
            alike.setdefault((kind, label), []).append(pk)
        cls._twins = {
            pk: [other for other in alike[kind, label] if other != pk]
            for pk, kind, label in devices
        }
        cls._costs_read = monotonic()


def shape_of(spec: RenderSpec) -> str:
    """What makes two renders comparable, as one short text."""
    return str(Shape.of(spec))


def predict(
    spec: RenderSpec, device: Device | None = None, *, cold: bool | None = None
) -> Prediction | None:
    """Run time of a spec on a device, or on the quickest online that takes such work.

    None without evidence.

    `cold` says whether the model has to be loaded first; None: as the device has it now.
    """
    Knowledge.refresh()
    if device is not None:
        return predict_shape(Shape.of(spec), spec.work, device, cold)
    return _quickest(spec, list(Device.objects.online()), cold)


def predict_all(specs: Iterable[RenderSpec]) -> list[Prediction | None]:
    """`predict` for many specs, with what has to be read for it read once."""
    Knowledge.refresh()
    devices = list(Device.objects.online())
    return [_quickest(spec, devices, None) for spec in specs]


def _quickest(spec: RenderSpec, devices: list[Device], cold: bool | None) -> Prediction | None:
    shape = Shape.of(spec)
    found = [
        predict_shape(shape, spec.work, one, cold) for one in devices if spec.work in one.works
    ]
    known = [prediction for prediction in found if prediction is not None]
    return min(known, key=lambda prediction: prediction.seconds) if known else None


def predict_shape(
    shape: Shape, work: Work, device: Device, cold: bool | None = None
) -> Prediction | None:
    """The same for a shape, by what this process knows; `Knowledge.refresh` comes first."""
    source = Knowledge.source(device, _subject(shape))
    if source is None:
        return None
    if cold is None:
        cold = shape.draws and shape.model not in device.resident
    demands = Knowledge.demands(shape)
    return foretell(
        source.speeds,
        demands,
        work,
        cold=cold,
        host_load=device.host_load,
        foreign=source.foreign,
        beside=Knowledge.beside(device, source.speeds, demands),
        device=device.name,
    )


def load_seconds(device: Device, model: str) -> float | None:
    """Seconds that loading a model takes on a device; None when it was never loaded there."""
    source = Knowledge.source(device, model)
    known = source.speeds.stages.get(Stage.LOAD) if source else None
    if source is None or known is None:
        return None
    _, size = Knowledge._costs.get(model) or (None, 0)
    return known.seconds(cost.Demand(1.0, size / 1e9, model), device.host_load)


def learn(attempt: Attempt, timings: Iterable[tuple[str, float]]) -> None:
    """Take in one finished attempt, with the seconds of its stages; in the ending's transaction.

    Only attempts that ran alone and from the start say how long their like takes.
    """
    if attempt.device is None or attempt.run_seconds is None:
        return
    shape = parse(attempt.shape)
    row, speeds = _row(attempt.device, _subject(shape))
    stages: dict[str, float] = dict(timings)
    stages[REST] = attempt.run_seconds - sum(stages.values())
    demands = Knowledge.demands(shape)
    _judge(speeds, attempt, demands)
    speeds.learn(demands, stages, cold=bool(attempt.cold), load=attempt.host_load)
    row.state, row.version = speeds.as_json(), row.version + 1
    row.save()
    kept = (row.device_id, row.subject, row.version, speeds)
    transaction.on_commit(lambda: Knowledge.keep(*kept))


def _judge(speeds: Speeds, attempt: Attempt, demands: Demands) -> None:
    """Hold what was foretold at the submit against what it took."""
    job = attempt.job
    low, high = job.predicted_low, job.predicted_high
    if not job.predicted_seconds or not attempt.run_seconds or low is None or high is None:
        return
    error = log(attempt.run_seconds / job.predicted_seconds)
    inside = low <= attempt.run_seconds <= high
    speeds.band(job.work).learn(error, inside, speeds.unsure(demands))


def _row(device: Device, subject: str) -> tuple[LearnedSpeed, Speeds]:
    """The row to change and what it says; a new one starts with nothing learned."""
    if monotonic() - Knowledge._costs_read > CARDS_SECONDS:
        Knowledge._read_cards()
    row = LearnedSpeed.objects.select_for_update().filter(device=device, subject=subject).first()
    if row is None:
        row = LearnedSpeed(device=device, subject=subject, version=0, updated_at=timezone.now())
        return row, Speeds(device.kind)
    return row, Speeds.from_json(row.state)


def _subject(shape: Shape) -> str:
    return shape.model if shape.draws else ""


def _bytes(card: ModelCard) -> int:
    return int(card.weights_bytes + (card.base.weights_bytes if card.base else 0))
