"""manage.py calibrate: let devices find out how fast they are."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from generation.errors import SpecError
from generation.estimating.estimator import Estimator
from generation.models import Device, Job, ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from studio.models import Take
from studio.ordering.compose import compose
from studio.ordering.request import RenderRequest
from studio.presentation import durations
from studio.production import devices

POLL_SECONDS = 0.5
PROMPT = "1girl, smiling"


class Command(BaseCommand):
    """A few small renders on each device, then what usual renders would take there."""

    help = "Render a few small takes on each online device, so that its estimates are known."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which device and model."""
        parser.add_argument("--device", help="its name, such as cuda:0; every online one without")
        parser.add_argument("--model", help="the slug of one model; every active one without")
        parser.add_argument("--user", help="whose sketchbook keeps the takes; a superuser without")
        parser.add_argument("--no-wait", action="store_true", help="submit and return at once")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError when there is no such device, model or person, or none is online."""
        cards, user = _cards(options["model"]), _user(options["user"])
        chosen = _devices(options["device"])
        forecaster = Forecaster()
        takes: list[Take] = []
        for device in chosen:
            try:
                takes += devices.calibrate(forecaster, device, user, cards)
            except SpecError as problem:
                raise CommandError(problem.sentence) from problem
        self.stdout.write(f"{len(takes)} small renders wait on {len(chosen)} devices.")
        if options["no_wait"]:
            return
        for take in takes:
            self.stdout.write(_ended(take.job))
        for device in chosen:
            self.stdout.write(f"{device.name} would take")
            for card in cards:
                self.stdout.write("\n".join(_usual(forecaster.estimator, device, card)))


def _devices(name: str | None) -> list[Device]:
    online = Device.objects.online()
    if name is None:
        if not (found := list(online)):
            raise CommandError("No worker is online. Start one: manage.py worker --device NAME")
        return found
    device = Device.objects.filter(name=name).first()
    if device is None:
        known = ", ".join(Device.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"--device: there is no {name!r}. Known: {known}.")
    return [device]


def _cards(slug: str | None) -> list[ModelCard]:
    active = ModelCard.objects.active()
    cards = list(active.filter(slug=slug) if slug else active)
    if not cards:
        known = ", ".join(active.values_list("slug", flat=True)) or "none"
        raise CommandError(f"--model: there is no active model {slug!r}. Known: {known}.")
    return cards


def _user(name: str | None) -> User:
    wanted = name or settings.GENGA_LOCAL_USER
    found = User.objects.filter(username=wanted).first()
    user = found or (None if name else User.objects.filter(is_superuser=True).first())
    if user is None:
        raise CommandError(f"--user: there is no {wanted!r}.")
    return user


def _ended(job: Job) -> str:
    """A line for a render once it has ended."""
    while not job.state.ended:
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    spec = job.spec
    frames = f", {spec.frames} frames" if spec.frames > 1 else ""
    what = f"  {spec.model} {spec.width}x{spec.height}, {spec.steps} steps{frames}"
    if job.error_code:
        return f"{what}: {job.error_message} {job.error_hint}"
    took = (job.attempts.last() or job.attempts.get()).run_seconds
    estimated = f", estimated {durations.short(job.estimated_seconds)}"
    return f"{what}: {durations.short(took)}{estimated if job.estimated_seconds else ''}"


def _usual(estimator: Estimator, device: Device, card: ModelCard) -> list[str]:
    """What the model's usual renders would take there."""
    lines = []
    for quality in Quality:
        request = RenderRequest(prompt=PROMPT, type=card.types[0], quality=quality, model=card)
        found = estimator.estimate(compose(request).spec, device, cold=False)
        told = "estimating"
        if found is not None:
            told = f"{durations.short(found.seconds)} ({durations.span(found.low, found.high)})"
        lines.append(f"  {card.name}, {quality.value}: {told}")
    return lines
