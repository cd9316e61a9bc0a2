"""What to expect of a request, as a colleague would say it."""

from __future__ import annotations

from generation.field import MediaType
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality, RenderSpec
from studio.ordering.planner import Plan, plan
from studio.ordering.request import RenderRequest
from studio.presentation import durations

LONG_SECONDS = 60.0
"""Renders that take longer come with the suggestion of a draft."""


def message_for(made: Plan) -> str:
    """What to expect, as a colleague would say it."""
    estimate = made.forecast.estimate
    what = _what(made.spec)
    starts = _starts(made)
    if estimate is None:
        told = f"{what} was not rendered here before: its time is not known yet, and it {starts}."
    else:
        span = durations.span(estimate.low, estimate.high)
        rough = ", a rough guess" if estimate.rough else ""
        took = f"takes about {durations.spoken(estimate.seconds)} ({span}{rough})"
        told = f"{what} {took} and {starts}."
    return told + _limit(made)


def _starts(made: Plan) -> str:
    if made.waits_for:
        return f"waits until {' or '.join(made.waits_for)} takes work again"
    wait = durations.until(made.start)
    if wait is None:
        return f"would be number {made.forecast.position} in the queue"
    if wait < 1:
        return "would start at once"
    return f"would start in {durations.spoken(wait)}"


def _limit(made: Plan) -> str:
    """What a limit of time costs, or that it cannot be met and what comes nearest."""
    if made.fits is None:
        return ""
    cost = f" It gives up: {', '.join(made.given_up)}." if made.given_up else ""
    if made.fits:
        return cost
    near = durations.spoken(made.bound)
    return f" Nothing fits the time you have: this comes nearest, done within {near}.{cost}"


def _what(spec: RenderSpec) -> str:
    """The thing that was asked for: "A draft of 256x256", "A final clip of 9 seconds"."""
    width, height = spec.delivered_size
    if spec.type == MediaType.IMAGE:
        return f"A {spec.quality} of {width}×{height}"
    length = durations.spoken(spec.delivered_frames / spec.delivered_fps)
    return f"A {spec.quality} clip of {length} ({spec.delivered_frames} frames, {width}×{height})"


def suggestion_for(forecaster: Forecaster, request: RenderRequest, made: Plan) -> str | None:
    """A cheaper way when the render is long; None when it is not, or when nothing is known."""
    if made.spec.quality == Quality.DRAFT or (made.seconds or 0.0) < LONG_SECONDS:
        return None
    quicker = request.but(quality=Quality.DRAFT, steps=None, finish_within=None)
    draft = plan(forecaster, quicker).seconds
    if draft is None or made.seconds is None or draft > 0.7 * made.seconds:
        return None
    return f"A draft shows you the composition in {durations.spoken(draft)}."
