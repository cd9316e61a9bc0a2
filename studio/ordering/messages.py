"""The message that says what to expect of a request, and the suggestion of something quicker."""

from __future__ import annotations

from collections.abc import Iterable

from generation.field import MediaType
from generation.scheduling.forecast import Forecaster
from generation.sentences import Said
from generation.specs import Quality, RenderSpec
from studio.ordering import sentences
from studio.ordering.planner import Plan, plan
from studio.ordering.request import RenderRequest
from studio.presentation import durations

LONG_SECONDS = 60.0
"""Renders that take longer come with the suggestion of a draft."""


def message_for(made: Plan) -> str:
    """What to expect of a plan, in sentences."""
    return " ".join(said.text for said in message_parts(made))


def message_parts(made: Plan) -> list[Said]:
    """The sentences of the message: the time, the start, and what a limit of time costs."""
    return [_time(made), _start(made), *_limit(made)]


def suggestion_for(forecaster: Forecaster, request: RenderRequest, made: Plan) -> str | None:
    """A draft, suggested for a long render; None for a short one or without an estimate."""
    suggested = suggested_draft(forecaster, request, made)
    return suggested.text if suggested else None


def suggested_draft(forecaster: Forecaster, request: RenderRequest, made: Plan) -> Said | None:
    """The sentence of the suggestion. Its value `seconds` is the draft's estimated run time."""
    if made.spec.quality == Quality.DRAFT or (made.seconds or 0.0) < LONG_SECONDS:
        return None
    quicker = request.but(quality=Quality.DRAFT, steps=None, finish_within=None)
    draft = plan(forecaster, quicker).seconds
    if draft is None or made.seconds is None or draft > 0.7 * made.seconds:
        return None
    return sentences.DRAFT_SUGGESTED.said(time=durations.spoken(draft), seconds=draft)


def _time(made: Plan) -> Said:
    """The run time. The values `seconds`, `low` and `high` are not rounded."""
    estimate, what = made.forecast.estimate, _what(made.spec)
    if estimate is None:
        return sentences.NO_ESTIMATE.said(what=what)
    sentence = sentences.ROUGH_ESTIMATE if estimate.rough else sentences.ESTIMATE
    return sentence.said(
        what=what,
        time=durations.spoken(estimate.seconds),
        span=durations.span(estimate.low, estimate.high),
        seconds=estimate.seconds,
        low=estimate.low,
        high=estimate.high,
    )


def _start(made: Plan) -> Said:
    if made.waits_for:
        return sentences.WAITS_FOR_DEVICE.said(devices=" or ".join(made.waits_for))
    wait = durations.until(made.start)
    if wait is None:
        return sentences.POSITION_KNOWN.said(position=made.forecast.position)
    if wait < 1:
        return sentences.STARTS_NOW.said()
    return sentences.STARTS_LATER.said(wait=durations.spoken(wait), seconds=wait)


def _limit(made: Plan) -> Iterable[Said]:
    """What a limit of time costs, or that nothing fits it and what comes nearest."""
    if made.fits is None:
        return
    if not made.fits:
        bound = made.bound
        yield sentences.NOTHING_FITS.said(bound=durations.spoken(bound), seconds=bound)
    if made.given_up:
        texts = [given_up.text for given_up in made.given_up]
        yield sentences.GIVES_UP.said(given_up=", ".join(texts))


def _what(spec: RenderSpec) -> str:
    """The medium that was asked for: "A draft of 256×256", "A final clip of 9 seconds (…)"."""
    width, height = spec.delivered_size
    if spec.type == MediaType.IMAGE:
        return f"A {spec.quality} of {width}×{height}"
    length = durations.spoken(spec.delivered_frames / spec.delivered_fps)
    return f"A {spec.quality} clip of {length} ({spec.delivered_frames} frames, {width}×{height})"
