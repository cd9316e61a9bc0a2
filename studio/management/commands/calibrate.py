"""manage.py calibrate: measure the speed of devices by small renders."""

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
    """Runs small renders on each device, then prints estimates of typical renders."""

    help = "Render a few small takes on each online device, so that run times can be estimated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--device", help="name, such as cuda:0 (default: every online device)")
        parser.add_argument("--model", help="slug of a model (default: every active model)")
        parser.add_argument("--user", help="owner of the takes (default: a superuser)")
        parser.add_argument("--no-wait", action="store_true", help="submit and return immediately")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError for an unknown device, model or user, or if no device is online."""
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
            self.stdout.write(f"Estimates for {device.name}")
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
    """Wait until a render has ended; return its line of the report."""
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
    """Lines with the estimate of each quality of a model on a device."""
    lines = []
    for quality in Quality:
        request = RenderRequest(prompt=PROMPT, type=card.types[0], quality=quality, model=card)
        found = estimator.estimate(compose(request).spec, device, cold=False)
        estimate = "estimating"
        if found is not None:
            estimate = f"{durations.short(found.seconds)} ({durations.span(found.low, found.high)})"
        lines.append(f"  {card.name}, {quality.value}: {estimate}")
    return lines
