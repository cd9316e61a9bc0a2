"""What the lists of the API take and give."""

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from studio.api.schemas import JobOut

LONGEST_CURSOR = 4000


class Paging(Schema):
    """Which page of a list, and whether all rows are counted."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, Field(max_length=LONGEST_CURSOR)] | None = None
    count: bool = False


class ListPage(Schema):
    """One page. `next` is what `after` takes for the page behind it; null: this is the last."""

    next: str | None
    total: int | None


class JobPage(ListPage):
    """Jobs, the newest first. `page` and `pages` are null behind a cursor."""

    jobs: list[JobOut]
    page: int | None
    pages: int | None


class ModelOut(Schema):
    """A model that can be requested; sizes in pixels."""

    slug: str
    name: str
    description: str
    licence: str
    types: list[Literal["image", "video"]]
    default: bool
    width: int
    height: int
    min_size: int
    max_size: int


class ModelPage(ListPage):
    """Models, by name."""

    models: list[ModelOut]


class StyleOut(Schema):
    """A style that the caller may use. Without a project every project shares it."""

    slug: str
    name: str
    description: str
    project: str | None
    model: str | None
    template: str


class StylePage(ListPage):
    """Styles, by name."""

    styles: list[StyleOut]


class CharacterOut(Schema):
    """A character of one of the caller's projects."""

    slug: str
    name: str
    description: str
    project: str
    look: str


class CharacterPage(ListPage):
    """Characters, by name."""

    characters: list[CharacterOut]


class ProjectOut(Schema):
    """A project; `role` is the caller's, null for a superuser who is no member."""

    slug: str
    name: str
    description: str
    role: Literal["artist", "reviewer", "admin"] | None
    web: str


class ProjectPage(ListPage):
    """Projects, by name."""

    projects: list[ProjectOut]


class ShotOut(Schema):
    """A shot, with the number of its takes."""

    slug: str
    name: str
    project: str
    sequence: str | None
    description: str
    prompt: str
    takes: int
    web: str


class ShotPage(ListPage):
    """Shots of a project, in the production's order."""

    shots: list[ShotOut]
