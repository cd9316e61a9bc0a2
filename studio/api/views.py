"""The calls of /api/anime/, as PRODUCT's contract names them."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import NinjaAPI, Query, Router
from ninja.decorators import decorate_view

from generation import jobs
from generation.errors import SpecError
from generation.models import Device, Job, Output
from generation.scheduling.forecast import forecast
from generation.states import Priority, Status
from generation.version import VERSION
from studio import access, rendering
from studio.api import problems
from studio.api.authentication import SubmitThrottle, TokenOrLoopback
from studio.api.requests import render_request
from studio.api.schemas import (
    EnhanceIn,
    EstimateIn,
    EstimateOut,
    GenerateIn,
    GenerateOut,
    JobChange,
    JobOut,
    JobPage,
    ProblemsOut,
    QueueOut,
    Refused,
    Slug,
    StatusWord,
)
from studio.durations import spoken
from studio.models import Project, Take
from studio.rendering import Plan
from studio.requests import PersonRequest
from studio.status import iso, job_status

PAGE_SIZE = 25

REFUSALS: dict[int, Any] = {401: Refused, 403: Refused, 422: ProblemsOut}
MISSING: dict[int, Any] = {401: Refused, 403: Refused, 404: Refused}

api = NinjaAPI(
    title="Genga",
    version=VERSION,
    description="Submit renders, follow them, fetch the files. Times are ISO 8601 in UTC.",
    docs_url="/docs",
    openapi_url="/openapi.json",
    auth=TokenOrLoopback(),
    urls_namespace="api",
)
problems.install(api)
router = Router(tags=["renders"])


def json_only(call: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Refuse a body that is not declared as JSON, before anything reads it.

    A web page of another site can send forms and text, but not JSON, without our consent.
    """

    @wraps(call)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.content_type == "application/json":
            return call(request, *args, **kwargs)
        detail = "Send the body as JSON with Content-Type: application/json."
        return api.create_response(request, {"detail": detail}, status=415)

    return checked


@router.post(
    "/generate",
    response={202: GenerateOut, 415: Refused, 429: Refused, **REFUSALS},
    throttle=SubmitThrottle(settings.GENGA_SUBMIT_RATE),
    summary="Submit a render",
)
@decorate_view(json_only)
def generate(request: PersonRequest, payload: GenerateIn) -> tuple[int, dict[str, Any]]:
    """Answer at once with the job's place in the queue and what to expect."""
    asked = render_request(request.user, payload)
    take, made = rendering.submit(asked, request.user)
    return 202, _submitted(request, take, made, rendering.suggestion_for(asked, made))


@router.post(
    "/outputs/{uuid:output_id}/enhance",
    response={202: GenerateOut, 404: Refused, 415: Refused, 429: Refused, **REFUSALS},
    throttle=SubmitThrottle(settings.GENGA_SUBMIT_RATE),
    summary="Interpolate, upscale or convert a finished output",
)
@decorate_view(json_only)
def enhance(
    request: PersonRequest, output_id: UUID, payload: EnhanceIn
) -> tuple[int, dict[str, Any]]:
    """A job of its own, with progress and cancel as any other; nothing is drawn anew."""
    output = get_object_or_404(Output.objects.select_related("job"), pk=output_id)
    job = _job(request, output.job_id)
    take, made = rendering.enhance(
        job.take,
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
    """The same parameters as a submit, in the query."""
    _refuse_unknown(request, EstimateIn.model_fields)
    asked = render_request(request.user, payload)
    made = rendering.plan(asked)
    return _expectation(made, rendering.suggestion_for(asked, made))


@router.get(
    "/jobs",
    response={200: JobPage, 404: Refused, **REFUSALS},
    summary="Jobs, the newest first",
)
def list_jobs(
    request: PersonRequest,
    status: StatusWord | None = None,
    project: Slug | None = None,
    page: int = Query(1, ge=1, le=1_000_000),
) -> dict[str, Any]:
    """Jobs of one's projects, filtered by status and project."""
    _refuse_unknown(request, ("status", "project", "page"))
    found = access.visible_jobs(request.user).for_pages().prefetch_related("attempts")
    if status:
        found = found.filter(status=status)
    if project:
        found = found.filter(scope=_project(request, project).group)
    pages = Paginator(found.order_by("-submitted_at", "id"), PAGE_SIZE)
    queue, base = forecast(), _base(request)
    return {
        "jobs": [job_status(job, base=base, queue=queue) for job in pages.get_page(page)]
        if page <= pages.num_pages
        else [],
        "page": page,
        "pages": pages.num_pages,
        "total": pages.count,
    }


@router.get("/jobs/{uuid:job_id}", response={200: JobOut, **MISSING}, summary="One job")
def get_job(request: PersonRequest, job_id: UUID) -> dict[str, Any]:
    """Everything that is true of a job right now."""
    return job_status(_job(request, job_id), base=_base(request))


@router.post("/jobs/{uuid:job_id}/cancel", response={200: JobOut, **MISSING}, summary="Cancel")
def cancel_job(request: PersonRequest, job_id: UUID) -> dict[str, Any]:
    """A waiting job ends at once, a running one at its next step; an ended one stays as it is."""
    jobs.cancel(_changeable(request, job_id))
    return job_status(_job(request, job_id), base=_base(request))


@router.patch(
    "/jobs/{uuid:job_id}",
    response={200: JobOut, 409: Refused, 415: Refused, 422: ProblemsOut, **MISSING},
    summary="Change the priority",
)
@decorate_view(json_only)
def change_job(request: PersonRequest, job_id: UUID, payload: JobChange) -> Any:
    """Only a job that waits can be moved; one that runs or has ended answers 409."""
    job = _changeable(request, job_id)
    priority = Priority.from_word(payload.priority)
    if not jobs.change_priority(job, priority):
        job.refresh_from_db()
        if job.status != Status.QUEUED:
            return 409, {"detail": f"The job is {job.status}; only a queued job can be moved."}
    return 200, job_status(_job(request, job_id), base=_base(request))


@router.get("/queue", response={200: QueueOut, 401: Refused}, summary="The queue and the devices")
def get_queue(request: PersonRequest) -> dict[str, Any]:
    """Everybody sees the whole queue; job ids only of what they may see."""
    queue = forecast()
    visible = set(access.visible_jobs(request.user).active().values_list("pk", flat=True))
    running = {job.device_id: job for job in Job.objects.processing().for_pages()}

    def shown(job: Job) -> str | None:
        return str(job.pk) if job.pk in visible else None

    return {
        "waiting": [
            {
                "position": place.position,
                "job_id": shown(place.job),
                "owner": place.job.owner.get_username(),
                "type": place.job.type,
                "quality": place.job.quality,
                "priority": Priority(place.job.priority).word,
                "estimated_start": iso(place.start),
                "estimated_seconds": place.prediction.seconds if place.prediction else None,
                "why": place.why,
            }
            for place in queue.places
        ],
        "devices": [
            _device(device, running.get(device.pk), shown) for device in Device.objects.all()
        ],
    }


def _device(device: Device, job: Job | None, shown: Any) -> dict[str, Any]:
    return {
        "name": device.name,
        "kind": device.kind,
        "label": device.label,
        "state": device.state,
        "memory_bytes": device.memory_bytes,
        "resident": device.resident,
        "job_id": shown(job) if job else None,
        "progress": round(job.progress.percent, 1) if job else None,
    }


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
    prediction = made.outlook.prediction
    return {
        "queue_position": made.outlook.position,
        "estimated_seconds": round(prediction.seconds, 2) if prediction else None,
        "estimated_range": (round(prediction.low, 2), round(prediction.high, 2))
        if prediction
        else None,
        "estimated_time": spoken(made.seconds),
        "estimated_start": made.start,
        "quality": made.spec.quality,
        "message": rendering.message_for(made),
        "suggestion": suggestion,
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


def _base(request: PersonRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _refuse_unknown(request: PersonRequest, names: Collection[str]) -> None:
    """A misspelt parameter must not be ignored, neither in a body nor in a query."""
    for name in request.GET:
        if name not in names:
            raise SpecError(name, "There is no such parameter.", ", ".join(names))


def _job(request: PersonRequest, job_id: UUID) -> Job:
    """404 for a job that does not exist, 403 for one of somebody else's project."""
    job = get_object_or_404(Job.objects.for_pages(), pk=job_id)
    if not access.may_see_job(request.user, job):
        raise PermissionDenied("This job belongs to a project you are not a member of.")
    return job


def _changeable(request: PersonRequest, job_id: UUID) -> Job:
    _job(request, job_id)
    return access.changeable_job_for(request.user, job_id)


def _project(request: PersonRequest, slug: str) -> Project:
    if not Project.objects.filter(slug=slug).exists():
        raise Http404
    try:
        return access.project_for(request.user, slug)
    except Http404:
        raise PermissionDenied("You are not a member of this project.") from None


api.add_router("/anime", router)
