"""The calls of /api/anime/ that list what the caller may see, a page at a time."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from ninja import Query, Router

from generation.errors import SpecError
from generation.models import Job, ModelCard
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.api import refusals
from studio.api.bodies import REFUSALS
from studio.api.list_schemas import (
    LONGEST_CURSOR,
    CharacterPage,
    JobPage,
    ModelPage,
    Paging,
    ProjectPage,
    ShotPage,
    StylePage,
)
from studio.api.lookups import base_of, project_of, refuse_unknown
from studio.api.schemas import Refused, SlugOrName, StatusWord
from studio.models import Character, Project, Shot, Style
from studio.models.project import SKETCHBOOK_SHOT
from studio.presentation.keyset import BadCursor, Keyset, Page
from studio.presentation.status import job_status

PAGE_SIZE = 25

JOBS = Keyset("jobs", ("-submitted_at", "id"))
MODELS, STYLES, CHARACTERS, PROJECTS = (
    Keyset(name, ("name", "pk")) for name in ("models", "styles", "characters", "projects")
)
SHOTS = Keyset("shots", ("sequence_order", "sequence_slug", "order", "slug"))

router = Router(tags=["lists"])


@router.get(
    "/jobs",
    response={200: JobPage, 404: Refused, **REFUSALS},
    summary="Jobs, the newest first",
)
def list_jobs(
    request: PersonRequest,
    status: StatusWord | None = None,
    project: SlugOrName | None = None,
    page: int | None = Query(None, ge=1, le=1_000_000),
    after: str | None = Query(None, max_length=LONGEST_CURSOR),
    count: bool = False,
) -> dict[str, Any]:
    """Jobs of the caller's projects, filtered by status and project.

    Pages by number shift when jobs arrive; follow `next` with `after` to see each job once.
    """
    refuse_unknown(request, ("status", "project", "page", "after", "count"))
    found = access.visible_jobs(request.user)
    if status:
        found = found.filter(status=status)
    if project:
        found = found.filter(scope=project_of(request, project).group)
    shown = found.for_pages().prefetch_related("attempts")
    if after is None:
        return _numbered_jobs(request, shown, page or 1)
    if page is not None:
        raise SpecError("page", refusals.PAGE_AND_CURSOR, "page or after, not both")
    behind = _page(shown, JOBS, after)
    total = found.count() if count else None
    return {**_jobs(request, behind), "page": None, "pages": None, "total": total}


def _numbered_jobs(request: PersonRequest, rows: QuerySet[Job], number: int) -> dict[str, Any]:
    """A page by its number, with the cursor of the page behind it; empty after the last."""
    pages = Paginator(rows.order_by(*JOBS.order), PAGE_SIZE)
    jobs = list(pages.get_page(number)) if number <= pages.num_pages else []
    following = JOBS.cursor(jobs[-1]) if jobs and number < pages.num_pages else None
    return {
        **_jobs(request, Page(jobs, following)),
        "page": number,
        "pages": pages.num_pages,
        "total": pages.count,
    }


def _jobs(request: PersonRequest, page: Page[Job]) -> dict[str, Any]:
    forecaster, base = request.forecaster, base_of(request)
    line = forecaster.forecast()
    shown = [job_status(forecaster, job, base=base, queue=line) for job in page.rows]
    return {"jobs": shown, "next": page.next}


@router.get("/models", response={200: ModelPage, **REFUSALS}, summary="Models, by name")
def list_models(request: PersonRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Models that a render may use, with their usual size and their limits."""
    refuse_unknown(request, Paging.model_fields)
    return _listed("models", ModelCard.objects.active(), MODELS, paging, _model)


@router.get("/styles", response={200: StylePage, **REFUSALS}, summary="Styles, by name")
def list_styles(request: PersonRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Active styles that are shared or belong to one of the caller's projects."""
    refuse_unknown(request, Paging.model_fields)
    rows = access.usable_styles(request.user).select_related("project", "model")
    return _listed("styles", rows, STYLES, paging, _style)


@router.get("/characters", response={200: CharacterPage, **REFUSALS}, summary="Characters, by name")
def list_characters(request: PersonRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Active characters of the caller's projects."""
    refuse_unknown(request, Paging.model_fields)
    rows = access.usable_characters(request.user).select_related("project")
    return _listed("characters", rows, CHARACTERS, paging, _character)


@router.get("/projects", response={200: ProjectPage, **REFUSALS}, summary="Projects, by name")
def list_projects(request: PersonRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Projects that the caller is a member of; all of them for a superuser."""
    refuse_unknown(request, Paging.model_fields)
    own = FilteredRelation("memberships", condition=Q(memberships__user=request.user.pk))
    rows = Project.objects.visible_to(request.user).annotate(own=own, role=F("own__role"))

    def shown(project: Any) -> dict[str, Any]:
        own = _names(project) | {"role": project.role}
        return {**own, "web": request.build_absolute_uri(project.get_absolute_url())}

    return _listed("projects", rows, PROJECTS, paging, shown)


@router.get(
    "/shots",
    response={200: ShotPage, 404: Refused, **REFUSALS},
    summary="Shots of a project, in the production's order",
)
def list_shots(
    request: PersonRequest, project: SlugOrName, paging: Query[Paging]
) -> dict[str, Any]:
    """Shots by sequence, those of no sequence first; without the sketches."""
    refuse_unknown(request, ("project", *Paging.model_fields))
    found = project_of(request, project)
    rows = (
        Shot.objects.filter(project=found)
        .exclude(slug=SKETCHBOOK_SHOT)
        .select_related("project", "sequence")
        .annotate(
            sequence_order=Coalesce("sequence__order", Value(0)),
            sequence_slug=Coalesce("sequence__slug", Value("")),
            taken=Count("takes", filter=Q(takes__job__trashed_at=None)),
        )
    )

    def shown(shot: Any) -> dict[str, Any]:
        return {
            **_names(shot),
            "project": shot.project.slug,
            "sequence": shot.sequence.name if shot.sequence else None,
            "prompt": shot.prompt,
            "takes": shot.taken,
            "web": request.build_absolute_uri(shot.get_absolute_url()),
        }

    return _listed("shots", rows, SHOTS, paging, shown)


def _listed(
    name: str,
    rows: QuerySet[Any],
    order: Keyset,
    paging: Paging,
    shown: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    page = _page(rows, order, paging.after)
    total = rows.count() if paging.count else None
    return {name: [shown(row) for row in page.rows], "next": page.next, "total": total}


def _page(rows: QuerySet[Any], order: Keyset, after: str | None) -> Page[Any]:
    """The page behind a cursor. Raises SpecError (422) for one of another list or of nobody."""
    try:
        return order.page(rows, PAGE_SIZE, after)
    except BadCursor:
        allowed = "the `next` of an earlier answer of this call"
        raise SpecError("after", refusals.BAD_CURSOR, allowed) from None


def _names(thing: Any) -> dict[str, Any]:
    return {"slug": thing.slug, "name": thing.name, "description": thing.description}


def _model(card: ModelCard) -> dict[str, Any]:
    sizes = {name: getattr(card, name) for name in ("width", "height", "min_size", "max_size")}
    usual = {"licence": card.licence, "types": card.types, "default": card.is_default}
    return {**_names(card), **usual, **sizes}


def _style(style: Style) -> dict[str, Any]:
    return {
        **_names(style),
        "project": style.project.slug if style.project else None,
        "model": style.model.slug if style.model else None,
        "template": style.template,
    }


def _character(character: Character) -> dict[str, Any]:
    return {**_names(character), "project": character.project.slug, "look": character.look}
