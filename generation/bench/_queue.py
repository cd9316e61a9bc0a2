"""Shared by benchmarks of the queue: thousands of waiting jobs, devices and their history.

They are only rows in the database; nothing is rendered, so no weights are needed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from generation.demo.portraits import seeded_source
from generation.estimating.estimator import Estimator, shape_of
from generation.models import (
    Attempt,
    Device,
    DeviceTime,
    Job,
    JobEvent,
    ModelCard,
    Progress,
    StageTiming,
)
from generation.queue.lifecycle import family_needed
from generation.specs import EnhanceSpec, RenderSpec, SourceFile
from generation.states import Outcome, Priority, Stage, Status, Work

OWNERS: Final = 5
SPACING_SECONDS: Final = 0.01
"""Time between two submits."""
AT_ONCE: Final = 5000
"""Rows per bulk insert."""
HISTORY: Final = 8
"""Completed attempts of each shape and device."""
LOADING_SECONDS: Final = {"toon": 3.0, "xl": 8.0, "motion": 6.0}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its spec, its share of the queue in tenths, and its seconds on a 4090."""

    spec: RenderSpec
    share: int
    seconds: float


def _spec(model: str, side: int, steps: int, **more: Any) -> RenderSpec:
    usual = {"type": "image", "prompt": "", "quality": "standard", "guidance": 6.0, "seed": 0}
    spec_class = EnhanceSpec if "source" in more else RenderSpec
    return spec_class(
        **{**usual, "model": model, "width": side, "height": side, "steps": steps, **more}
    )


_FILE: Final = SourceFile(file="2026/01/clip.mp4", sha256="0" * 64, use="enhance")
KINDS: Final = (
    Kind(_spec("toon", 512, 12, quality="draft"), 4, 2.0),
    Kind(_spec("toon", 768, 25), 2, 9.0),
    Kind(_spec("xl", 1024, 30), 1, 25.0),
    Kind(_spec("motion", 512, 25, type="video", frames=72, fps=8), 1, 400.0),
    Kind(
        _spec("motion", 512, 25, type="video", frames=72, fps=8, interpolate=2, source=_FILE),
        1,
        150.0,
    ),
    Kind(_spec("toon", 512, 1, upscale=4, source=_FILE), 1, 20.0),
)
FAMILIES: Final = {"toon": "stable-diffusion", "xl": "stable-diffusion-xl", "motion": "animatediff"}

EVERY_WORK: Final = [work.value for work in Work]
STILLS: Final = [Work.PREVIEW.value, Work.IMAGE.value, Work.UPSCALE.value]
CLIPS: Final = [Work.VIDEO.value, Work.INTERPOLATE.value]
PARK: Final = (
    ("RTX 4090", 3, EVERY_WORK, 1.0),
    ("RTX 4060", 3, STILLS, 3.0),
    ("RTX A6000", 2, CLIPS, 1.3),
)
"""Label, number of devices, kinds of work, and run time relative to a 4090."""


def prepare() -> tuple[list[User], dict[str, ModelCard]]:
    """Create the tables, users, and cards of models that are never loaded."""
    call_command("migrate", verbosity=0)
    people = [User.objects.create_user(f"person-{number}") for number in range(OWNERS)]
    DeviceTime.objects.bulk_create(DeviceTime(owner=person) for person in people)
    cards = {
        slug: ModelCard.objects.create(slug=slug, name=slug, family=family, folder=f"models/{slug}")
        for slug, family in FAMILIES.items()
    }
    return people, cards


def park() -> list[Device]:
    """Create eight devices of three types, which stay online during the benchmark."""
    later = timezone.now() + timedelta(days=1)
    return [
        Device.objects.create(
            name=f"{label.lower().replace(' ', '-')}:{number}",
            kind="cuda",
            label=label,
            works=works,
            heartbeat_at=later,
        )
        for label, count, works, _ in PARK
        for number in range(count)
    ]


def slowness(device: Device) -> float:
    """Run time of a device relative to a 4090."""
    return next(factor for label, _, _, factor in PARK if label == device.label)


def fill(people: Sequence[User], cards: dict[str, ModelCard], count: int, seed: int = 1) -> None:
    """Create `count` waiting jobs of random owners and priorities, the last submitted now."""
    rows = _rows(people, cards, count, seeded_source(seed))
    while batch := list(islice(rows, AT_ONCE)):
        Job.objects.bulk_create(batch)
        Progress.objects.bulk_create(Progress(job=job) for job in batch)
        JobEvent.objects.bulk_create(
            JobEvent(job=job, sequence=1, kind="job.queued", data={}) for job in batch
        )


def add_history(people: Sequence[User], cards: dict[str, ModelCard], devices: list[Device]) -> None:
    """Create completed attempts of every shape on every device, so that estimates exist."""
    source, now, estimator = seeded_source(2), timezone.now(), Estimator()
    for device in devices:
        for kind in KINDS:
            if kind.spec.work not in device.works:
                continue
            for number in range(HISTORY):
                seconds = kind.seconds * slowness(device) * source.uniform(0.9, 1.1)
                card = cards[kind.spec.model]
                add_attempt(estimator, people[0], card, kind, device, number, seconds, now)


def _rows(
    people: Sequence[User], cards: dict[str, ModelCard], count: int, source: random.Random
) -> Iterator[Job]:
    now = timezone.now()
    first = now - timedelta(seconds=count * SPACING_SECONDS)
    # The data of each kind is built once, because a hundred thousand specs would take long.
    made = [(kind, kind.spec.as_json(), cards[kind.spec.model]) for kind in KINDS]
    weights = [kind.share for kind in KINDS]
    for number in range(count):
        ((kind, data, card),) = source.choices(made, weights)
        prompt = f"1girl, blue hair, smiling, harbour at dusk, take {number}"
        yield make_job(
            kind.spec,
            card,
            people[source.randrange(len(people))],
            first + timedelta(seconds=number * SPACING_SECONDS),
            spec_data={**data, "prompt": prompt, "seed": number},
            spec_hash=hashlib.sha256(prompt.encode()).hexdigest(),
            priority=source.choice(list(Priority)),
        )


def make_job(spec: RenderSpec, card: ModelCard, owner: User, queued: datetime, **more: Any) -> Job:
    """An unsaved job."""
    return Job(
        owner=owner,
        model=card,
        type=spec.type,
        quality=spec.quality,
        work=spec.work,
        family=family_needed(spec, card),
        longest_side=spec.longest_side,
        shape=shape_of(spec),
        batch_key=spec.batch_key,
        submitted_at=queued,
        queued_at=queued,
        rank=queued.timestamp(),
        event_sequence=1,
        **more,
    )


def add_attempt(
    estimator: Estimator,
    owner: User,
    card: ModelCard,
    kind: Kind,
    device: Device,
    number: int,
    seconds: float,
    now: datetime,
) -> None:
    """Create and learn a completed attempt. The first of each device and shape loads the model."""
    spec = kind.spec
    load = 0.0 if number or not spec.draws else LOADING_SECONDS[spec.model]
    job = make_job(
        spec,
        card,
        owner,
        now - timedelta(days=1),
        spec_data=spec.as_json(),
        spec_hash=spec.content_hash(),
        status=Status.COMPLETED,
    )
    job.save()
    attempt = Attempt.objects.create(
        job=job,
        number=1,
        device=device,
        device_name=device.name,
        shape=job.shape,
        outcome=Outcome.COMPLETED,
        finished_at=now - timedelta(days=1, minutes=number),
        run_seconds=seconds + load,
        load_seconds=load,
        cold=load > 0,
    )
    work = Stage.DENOISE if spec.denoising_steps else Stage.INTERPOLATE
    if spec.upscale > 1:
        work = Stage.UPSCALE
    timings = {Stage.LOAD: load, work: 0.9 * seconds, Stage.WRITE: 0.05 * seconds}
    if spec.denoising_steps:
        timings[Stage.DECODE] = 0.05 * seconds
    StageTiming.objects.bulk_create(
        StageTiming(attempt=attempt, stage=stage, seconds=length)
        for stage, length in timings.items()
    )
    estimator.learn(attempt, list(timings.items()))
