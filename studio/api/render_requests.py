"""From the slugs of an API request to database objects that the caller may use."""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from generation.errors import SpecError
from generation.models import ModelCard, Output
from generation.specs import Quality
from generation.states import Priority
from studio.accounts import access
from studio.accounts.refusals import FIELD_OF_OTHERS, Forbidden
from studio.api.schemas import GenerateIn
from studio.models import Character, Project, Shot, Style
from studio.ordering import refusals
from studio.ordering.request import RenderRequest

Thing = TypeVar("Thing", bound=Model)


def render_request(user: User, asked: GenerateIn) -> RenderRequest:
    """The request with its objects. Raises SpecError (422) for a slug that does not exist.

    Raises Forbidden (403) for objects of a project of which the user is not a member.
    """
    visible = Project.objects.visible_to(user)
    project = _find(Project.objects.all(), "project", asked.project)
    character = _find(Character.objects.filter(is_active=True), "character", asked.character)
    style = _find(Style.objects.filter(is_active=True), "style", asked.style)
    owners = {
        "project": project,
        "character": character and character.project,
        "style": style and style.project,
    }
    for field, owner in owners.items():
        if owner is not None and not visible.filter(pk=owner.pk).exists():
            raise Forbidden(FIELD_OF_OTHERS, field=field)
    project = project or (character.project if character else None)
    found = {
        **asked.dict(),
        "quality": Quality.from_word(asked.quality),
        "priority": Priority.from_word(asked.priority),
        "formats": tuple(dict.fromkeys(asked.formats)),
        "source": _source(user, asked.source),
        "model": _find(ModelCard.objects.active(), "model", asked.model),
        "character": character,
        "style": style,
        "project": project,
        "shot": _shot(project, asked.shot),
    }
    return RenderRequest(user.pk, **found)


def _source(user: User, output_id: UUID | None) -> Output | None:
    """The output that a clip begins with, if the user may see it."""
    if output_id is None:
        return None
    kept = Output.objects.select_related("job").filter(job__trashed_at=None)
    found = kept.filter(pk=output_id).first()
    if found is None:
        raise SpecError(
            "source", refusals.OUTPUT_NOT_FOUND, "the id of an image output", id=output_id
        )
    if not access.may_see_job(user, found.job):
        raise Forbidden(FIELD_OF_OTHERS, field="source")
    return found


def _shot(project: Project | None, slug: str | None) -> Shot | None:
    if slug is None:
        return None
    if project is None:
        raise SpecError("shot", refusals.SHOT_WITHOUT_PROJECT, "a shot with its project")
    found: Shot = _find(Shot.objects.filter(project=project), "shot", slug)
    return found


def _find(things: QuerySet[Thing], field: str, slug: str | None) -> Any:
    if slug is None:
        return None
    found = things.filter(slug=slug).first()
    if found is None:
        raise SpecError(field, refusals.NOT_FOUND, f"the slug of a {field}", slug=slug)
    return found
