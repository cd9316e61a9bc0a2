"""From the slugs and names of an API request to database objects that the caller may use."""

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
from studio.models.names import of_name, of_slug
from studio.ordering import refusals
from studio.ordering.request import RenderRequest

Thing = TypeVar("Thing", bound=Model)


def render_request(user: User, asked: GenerateIn) -> RenderRequest:
    """The request with its objects. Raises SpecError (422) for one that does not exist.

    Raises Forbidden (403) for objects of a project of which the user is not a member.
    """
    visible = Project.objects.visible_to(user)
    project = _find(Project.objects.all(), visible, "project", asked.project)
    characters = Character.objects.filter(is_active=True)
    own = access.usable_characters(user)
    character = _find(characters, own, "character", asked.character)
    styles = Style.objects.filter(is_active=True)
    style = _find(styles, access.usable_styles(user), "style", asked.style)
    owners = {
        "project": project,
        "character": character and character.project,
        "style": style and style.project,
    }
    for field, owner in owners.items():
        if owner is not None and not visible.filter(pk=owner.pk).exists():
            raise Forbidden(FIELD_OF_OTHERS, field=field)
    project = project or (character.project if character else None)
    models = ModelCard.objects.active()
    found = {
        **asked.dict(),
        "quality": Quality.from_word(asked.quality),
        "priority": Priority.from_word(asked.priority),
        "formats": tuple(dict.fromkeys(asked.formats)),
        "source": _source(user, asked.source),
        "model": _find(models, models, "model", asked.model),
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
    shots = Shot.objects.filter(project=project)
    found: Shot = _find(shots, shots, "shot", slug)
    return found


def _find(things: QuerySet[Thing], usable: QuerySet[Thing], field: str, named: str | None) -> Any:
    """The thing of a slug, else the one of `usable` that has the name; None if none is named.

    Names of things that the caller may not use are not compared: an answer would tell that they
    exist. Raises SpecError (422) when there is none, or several have the name.
    """
    if named is None:
        return None
    found = of_slug(things, named)
    if found is not None:
        return found
    same: list[Any] = of_name(usable, named)
    if len(same) > 1:
        slugs = ", ".join(sorted(thing.slug for thing in same))
        raise SpecError(field, refusals.SEVERAL_OF_NAME, slugs, name=named, slugs=slugs)
    if not same:
        raise SpecError(field, refusals.NOT_FOUND, f"the slug or name of a {field}", slug=named)
    return same[0]
