"""Plans: the complete settings of a request, its forecast, and what fits a limit of time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from generation import limits
from generation.errors import SpecError
from generation.models import ModelCard
from generation.scheduling import capacity
from generation.scheduling.admission import check_admitted
from generation.scheduling.capacity import Fit
from generation.scheduling.forecast import Forecaster, RequestForecast
from generation.specs import Quality, RenderSpec
from generation.states import Priority
from studio.ordering import reasons
from studio.ordering.compose import Composed, compose, style_steps
from studio.ordering.deadline_options import DeadlineOption, Freedom, deadline_options
from studio.ordering.prompt_reasons import prompt_reasons
from studio.ordering.reasons import GivenUp
from studio.ordering.request import RenderRequest
from studio.ordering.workflow import warnings
from studio.presentation import durations
from studio.presentation.reasons import Reason


@dataclass(slots=True)
class Plan:
    """A complete request, with its forecast if it were submitted now."""

    spec: RenderSpec
    model: ModelCard
    forecast: RequestForecast
    reasons: list[Reason] = field(default_factory=list)
    fits: bool | None = None
    """Whether `finish_within` will be met; None if it was not named or there is no estimate."""
    given_up: tuple[GivenUp, ...] = ()
    """What the limit of time costs."""
    limit: float | None = None
    """`finish_within`, in seconds."""
    waits_for: tuple[str, ...] = ()
    """Names of the devices that take it, if all of them are away or paused."""

    @property
    def all_reasons(self) -> list[Reason]:
        """The reasons for the settings, with what the limit of time costs."""
        within = durations.spoken(self.limit)
        return [*self.reasons, *(given_up.reason(within) for given_up in self.given_up)]

    @property
    def seconds(self) -> float | None:
        """Estimated run time in seconds, without the waiting."""
        return self.forecast.estimate.seconds if self.forecast.estimate else None

    @property
    def start(self) -> datetime | None:
        """When it would start."""
        return self.forecast.start

    @property
    def bound(self) -> float | None:
        """Seconds until it is finished in 95 % of cases, waiting included.

        The work ahead is taken to be as uncertain as its own. None without an estimate.
        """
        wait, estimate = durations.until(self.start), self.forecast.estimate
        if wait is None or estimate is None:
            return None
        return wait * estimate.high / estimate.seconds + estimate.high


def plan(forecaster: Forecaster, request: RenderRequest) -> Plan:
    """Complete a request. Raises SpecError with the field for what cannot be rendered."""
    if request.finish_within is None:
        return plan_spec(forecaster, request, compose(request))
    return _plan_within(forecaster, request, request.finish_within)


def plan_spec(forecaster: Forecaster, request: RenderRequest, made: Composed) -> Plan:
    """The plan of complete settings. Raises SpecError for what cannot be rendered."""
    planned = plan_again(forecaster, made.spec, made.model, request.priority, request.owner_id)
    planned.reasons = [*made.reasons, *warnings(made.spec)]
    return planned


def plan_again(
    forecaster: Forecaster,
    spec: RenderSpec,
    model: ModelCard,
    priority: Priority,
    owner_id: int | None,
) -> Plan:
    """The plan of a spec that was made from an older one. Raises SpecError.

    Its settings were chosen before, so its reasons only say what to expect of them.
    """
    admission = check_admitted(spec, model)
    met = forecaster.forecast_request(spec, model, priority, owner_id)
    told = [*warnings(spec), *prompt_reasons(spec, model)]
    return Plan(spec, model, met, told, waits_for=admission.waits_for)


def _plan_within(forecaster: Forecaster, request: RenderRequest, limit: float) -> Plan:
    """The option with the least loss whose upper bound, waiting included, fits `limit` seconds.

    Options whose run time alone does not fit are skipped, and so are options that take longer than
    one that did not fit, because forecasting the queue for dozens of options takes long.
    """
    best = compose(request.but(quality=Quality.FINAL))
    best = replace(best, reasons=[*_not_held(best), *best.reasons])
    options = _options(request, best)
    estimates = forecaster.estimator.estimate_all(option.spec for option in options)
    known = [
        (option, estimated)
        for option, estimated in zip(options, estimates, strict=True)
        if estimated is not None
    ]
    if not known:
        return plan_spec(forecaster, request, compose(request.but(quality=Quality.DRAFT)))
    too_long = limit
    for option, estimated in known:
        if estimated.high > too_long:
            continue
        made = _plan_option(forecaster, request, best, option)
        if made.bound is not None and made.bound <= limit:
            made.fits = True
            return made
        too_long = min(too_long, 0.99 * estimated.high)
    quickest, _ = min(known, key=lambda one: one[1].high)
    nearest = _plan_option(forecaster, request, best, quickest)
    nearest.fits = False if nearest.bound is not None else None
    return nearest


def _options(request: RenderRequest, best: Composed) -> list[DeadlineOption]:
    """The options that the model can render and a device has the memory for."""
    free = Freedom(
        steps=request.steps is None,
        acceleration=request.acceleration is None and _may_be_accelerated(best),
        size=request.width is None and request.height is None,
        frames=request.interpolate == 1 and request.source is None,
    )

    def steps_of(quality: Quality) -> int:
        return style_steps(request.style, best.model, quality)

    options = [
        option
        for option in deadline_options(best.spec, steps_of, free)
        if _is_possible(option.spec, best.model)
    ]
    fits = capacity.fits_all((option.spec for option in options), best.model)
    return [option for option, fit in zip(options, fits, strict=True) if fit > Fit.NEVER]


def _not_held(best: Composed) -> list[Reason]:
    """The reason for a lighter clip if no device has the memory for the best option."""
    spec = best.spec
    try:
        capacity.check(spec, best.model)
    except SpecError:
        values = {"frames": spec.frames, "width": spec.width, "height": spec.height}
        return [reasons.LIGHTER_CLIP.because(**values)]
    return []


def _may_be_accelerated(best: Composed) -> bool:
    """Whether its family supports it, and the memory also holds what is kept between steps."""
    if not best.model.limits.accelerates:
        return False
    whole, quicker = capacity.fits_all([best.spec, replace(best.spec, acceleration=2)], best.model)
    return quicker >= whole


def _is_possible(spec: RenderSpec, model: ModelCard) -> bool:
    try:
        limits.check(spec, model.limits)
    except SpecError:
        return False
    return True


def _plan_option(
    forecaster: Forecaster, request: RenderRequest, best: Composed, option: DeadlineOption
) -> Plan:
    made = plan_spec(forecaster, request, Composed(option.spec, best.model, best.reasons))
    made.given_up, made.limit = option.given_up, request.finish_within
    return made
