"""The calls of /api/anime/ that submit. `lists` and `queue` have the others."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router
from ninja.decorators import decorate_view

from generation.models import Job, Output
from generation.states import Priority, Status
from generation.version import VERSION
from studio.accounts import access
from studio.accounts.authentication import SubmitThrottle, TokenOrLoopback
from studio.accounts.person_request import PersonRequest
from studio.api import lists, problems, queue
from studio.api.bodies import REFUSALS, json_if_any, json_only
from studio.api.description import DescribedAPI
from studio.api.lookups import changeable_job, job_of, refuse_unknown
from studio.api.render_requests import render_request
from studio.api.renderer import ReadableRenderer
from studio.api.repeatable import REPEATED, repeatable
from studio.api.schemas import (
    CloneIn,
    EnhanceIn,
    EstimateIn,
    EstimateOut,
    GenerateIn,
    GenerateOut,
    Refused,
)
from studio.models import Take
from studio.ordering import messages, planner, submission
from studio.ordering.planner import Plan
from studio.presentation.durations import spoken

api = DescribedAPI(
    title="Genga",
    version=VERSION,
    description="Submit renders, follow them, fetch the files. Times are ISO 8601 in UTC.",
    docs_url="/docs",
    openapi_url="/openapi.json",
    auth=TokenOrLoopback(),
    urls_namespace="api",
    renderer=ReadableRenderer(),
)
problems.install(api)
router = Router(tags=["renders"])


@router.post(
    "/generate",
    response={202: GenerateOut, 415: Refused, 429: Refused, **REFUSALS, **REPEATED},
    throttle=SubmitThrottle(settings.GENGA_SUBMIT_RATE),
    summary="Submit a render",
)
@decorate_view(json_only)
@repeatable
def generate(request: PersonRequest, payload: GenerateIn) -> tuple[int, dict[str, Any]]:
    """Submit a render; the response has the job's place in the queue and its estimate."""
    asked = render_request(request.user, payload)
    take, made = submission.submit(request.forecaster, asked, request.user)
    suggestion = messages.suggestion_for(request.forecaster, asked, made)
    return 202, _submitted(request, take, made, suggestion)


@router.post(
    "/outputs/{uuid:output_id}/enhance",
    response={202: GenerateOut, 404: Refused, 415: Refused, 429: Refused, **REFUSALS, **REPEATED},
    throttle=SubmitThrottle(settings.GENGA_SUBMIT_RATE),
    summary="Interpolate, upscale or convert a finished output",
)
@decorate_view(json_only)
@repeatable
def enhance(
    request: PersonRequest, output_id: UUID, payload: EnhanceIn
) -> tuple[int, dict[str, Any]]:
    """Submit an enhancement as a new job; nothing is redrawn."""
    output = get_object_or_404(
        Output.objects.select_related("job").filter(job__trashed_at=None), pk=output_id
    )
    job = job_of(request, output.job_id)
    take, made = submission.enhance(
        request.forecaster,
        access.take_to_build_on(request.user, job),
        request.user,
        interpolate=payload.interpolate,
        upscale=payload.upscale,
        upscaler=payload.upscaler,
        formats=tuple(dict.fromkeys(payload.formats)),
        priority=Priority.from_word(payload.priority),
    )
    return 202, _submitted(request, take, made, None)


@router.get(
    "/estimate",
    response={200: EstimateOut, **REFUSALS},
    summary="What a render would take; starts nothing",
)
def estimate(request: PersonRequest, payload: Query[EstimateIn]) -> dict[str, Any]:
    """Estimate a render. Takes the parameters of a submit in the query; starts nothing."""
    refuse_unknown(request, EstimateIn.model_fields)
    asked = render_request(request.user, payload)
    made = planner.plan(request.forecaster, asked)
    return _expectation(made, messages.suggestion_for(request.forecaster, asked, made))


@router.post(
    "/jobs/{uuid:job_id}/clone",
    response={202: GenerateOut, 404: Refused, 415: Refused, 429: Refused, **REFUSALS, **REPEATED},
    throttle=SubmitThrottle(settings.GENGA_SUBMIT_RATE),
    summary="Render again with another seed",
)
@decorate_view(json_if_any)
@repeatable
def clone_job(
    request: PersonRequest, job_id: UUID, payload: CloneIn | None = None
) -> tuple[int, dict[str, Any]]:
    """Render the same settings as a new take of the same shot; the seed is random by default."""
    take = access.take_to_build_on(request.user, changeable_job(request, job_id))
    cloned, made = submission.clone(
        request.forecaster, take, request.user, payload.seed if payload else None
    )
    return 202, _submitted(request, cloned, made, None)


def _submitted(
    request: PersonRequest, take: Take, made: Plan, suggestion: str | None
) -> dict[str, Any]:
    return {
        "job_id": str(take.job_id),
        "status": Status.QUEUED,
        "progress": 0.0,
        "seed": made.spec.seed,
        **_expectation(made, suggestion),
        "links": _links(request, take.job),
    }


def _expectation(made: Plan, suggestion: str | None) -> dict[str, Any]:
    estimate = made.forecast.estimate
    return {
        "queue_position": made.forecast.position,
        "estimated_seconds": round(estimate.seconds, 2) if estimate else None,
        "estimated_range": (round(estimate.low, 2), round(estimate.high, 2)) if estimate else None,
        "estimated_time": spoken(made.seconds),
        "estimated_start": made.start,
        "quality": made.spec.quality,
        "message": messages.message_for(made),
        "suggestion": suggestion,
        "reasons": [asdict(reason) for reason in made.all_reasons],
    }


def _links(request: PersonRequest, job: Job) -> dict[str, str]:
    own = request.build_absolute_uri(reverse("api:get_job", args=[job.pk]))
    scheme = "wss" if request.is_secure() else "ws"
    return {
        "self": own,
        "cancel": f"{own}/cancel",
        "web": request.build_absolute_uri(reverse("job", args=[job.pk])),
        "websocket": f"{scheme}://{request.get_host()}/ws/jobs/{job.pk}/",
    }


api.add_router("/anime", router)
api.add_router("/anime", lists.router)
api.add_router("/anime", queue.router)
