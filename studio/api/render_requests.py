"""From the API's slugs to the studio's things, each one found and allowed."""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet

from generation.errors import SpecError
from generation.models import ModelCard, Output
from generation.specs import Quality
from generation.states import Priority
from studio.accounts import access
from studio.api.schemas import GenerateIn
from studio.models import Character, Project, Shot, Style
from studio.ordering.compose import RenderRequest

Thing = TypeVar("Thing", bound=Model)


def render_request(user: User, asked: GenerateIn) -> RenderRequest:
    """The request with its things. Raises SpecError (422) for a slug that names nothing.

    Raises PermissionDenied (403) for things of a project the user is not a member of.
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
            raise PermissionDenied(f"{field}: it belongs to a project you are not a member of.")
    project = project or (character.project if character else None)
    return RenderRequest(
        prompt=asked.prompt,
        owner_id=user.pk,
        negative_prompt=asked.negative_prompt,
        type=asked.type,
        quality=Quality.from_word(asked.quality),
        priority=Priority.from_word(asked.priority),
        width=asked.width,
        height=asked.height,
        frames=asked.frames,
        duration=asked.duration,
        fps=asked.fps,
        loop=asked.loop,
        source=_source(user, asked.source),
        strength=asked.strength,
        interpolate=asked.interpolate,
        upscale=asked.upscale,
        upscaler=asked.upscaler,
        formats=tuple(dict.fromkeys(asked.formats)),
        steps=asked.steps,
        acceleration=asked.acceleration,
        guidance=asked.guidance,
        seed=asked.seed,
        model=_find(ModelCard.objects.active(), "model", asked.model),
        character=character,
        style=style,
        project=project,
        shot=_shot(project, asked.shot),
        finish_within=asked.finish_within,
    )


def _source(user: User, output_id: UUID | None) -> Output | None:
    """The output that a clip begins with, when the user may see it."""
    if output_id is None:
        return None
    found = Output.objects.select_related("job").filter(pk=output_id).first()
    if found is None:
        raise SpecError("source", f"There is no output {output_id}.", "the id of an image output")
    if not access.may_see_job(user, found.job):
        raise PermissionDenied("source: it belongs to a project you are not a member of.")
    return found


def _shot(project: Project | None, slug: str | None) -> Shot | None:
    if slug is None:
        return None
    if project is None:
        raise SpecError("shot", "A shot is named, but no project.", "a shot with its project")
    found: Shot = _find(Shot.objects.filter(project=project), "shot", slug)
    return found


def _find(things: QuerySet[Thing], field: str, slug: str | None) -> Any:
    if slug is None:
        return None
    found = things.filter(slug=slug).first()
    if found is None:
        raise SpecError(field, f"There is no {field} named {slug!r}.", f"the slug of a {field}")
    return found
