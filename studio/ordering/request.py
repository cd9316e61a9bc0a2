"""RenderRequest: what somebody asks for, every field of it declared once.

The settings of a spec are declared in `generation.specs`; here are the fields that only a request
has. The API's schema, the form of the render page and docs/api.md are made from `FIELDS`.
"""

from __future__ import annotations

from typing import Any

from generation import specs
from generation.field import CLIPS, Choice, Field, Named, Number
from generation.states import Priority

MAX_SECONDS = 7 * 86400

ONLY_ASKED = (
    Field(
        "priority",
        Choice({one.word: one.label for one in Priority}),
        "Priority",
        "place in the queue",
        "`normal`",
        Priority.NORMAL,
    ),
    Field(
        "duration",
        Number(0, 3600, above=True),
        "Seconds",
        "length of a video in seconds, instead of `frames`",
        "the model's",
        media=CLIPS,
    ),
    Field(
        "character",
        Named("an active character"),
        "Character",
        "slug; its look goes before the prompt",
        "none",
    ),
    Field(
        "style", Named("an active style"), "Style", "slug; its words go around the prompt", "none"
    ),
    Field(
        "project",
        Named("a project you are a member of"),
        "Project",
        "slug",
        "the character's, else your sketchbook",
    ),
    Field(
        "shot",
        Named("one of the project's shots"),
        "Shot",
        "slug of one of the project's shots; needs a project or a character",
        "the project's sketches",
    ),
    Field(
        "finish_within",
        Number(0, MAX_SECONDS, above=True),
        "I need it in",
        "seconds you can wait, queue included",
        "none",
    ),
)

FIELDS: dict[str, Field] = {name: field for name, field in specs.FIELDS.items() if field.asked} | {
    field.name: field for field in ONLY_ASKED
}
"""Every field of a request, by its name."""

SETTINGS = tuple(name for name, field in specs.FIELDS.items() if field.asked)
"""Those that go into the spec."""


class RenderRequest:
    """What was asked, with its things already found and allowed.

    Each of FIELDS is an attribute; what nobody named has its field's default, None for what is
    chosen for whoever asked. `type` is an image unless it is named, `owner_id` the user who asks.
    """

    def __init__(self, owner_id: int | None = None, **named: Any) -> None:
        """Raises TypeError for a name that is no field."""
        unknown = named.keys() - FIELDS.keys()
        if unknown:
            raise TypeError(f"a request has no {', '.join(sorted(unknown))}")
        self.owner_id = owner_id
        self.named = {name: value for name, value in named.items() if value is not None}

    def __getattr__(self, name: str) -> Any:
        if name not in FIELDS:
            raise AttributeError(name)
        return self.named.get(name, "image" if name == "type" else FIELDS[name].default)

    def but(self, **changes: Any) -> RenderRequest:
        """The same with some fields changed; None: as if nobody had named them."""
        owner_id = changes.pop("owner_id", self.owner_id)
        return RenderRequest(owner_id, **{**self.named, **changes})

    @property
    def settings(self) -> dict[str, Any]:
        """The named fields that go into the spec as they are."""
        found = {name: self.named[name] for name in SETTINGS if name in self.named}
        return {name: value for name, value in found.items() if name not in ("model", "source")}
