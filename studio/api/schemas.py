"""What the API takes and gives, with each field's limits: the source of its OpenAPI page."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict

from generation.specs import MAX_SEED
from studio.api.field_types import NAMED, schema_of
from studio.ordering.request import FIELDS
from studio.production.bulk_actions import MOST

PriorityWord = Literal["urgent", "high", "normal", "low"]
StatusWord = Literal["queued", "processing", "completed", "failed", "cancelled"]
WorkWord = Literal["preview", "image", "video", "interpolate", "upscale"]
SlugOrName = Annotated[str, Field(**NAMED)]

ENHANCE = ("interpolate", "upscale", "upscaler", "formats", "priority")


class Asked(Schema):
    """A body. Unknown fields are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Queried(Schema):
    """The same in a query: every value is text there, so numbers are read from text."""

    model_config = ConfigDict(extra="forbid", strict=False)


_NOT_NAMED: Any = Field(None)
"""The default of a field that may be left out, but not be null."""

if TYPE_CHECKING:

    class GenerateIn(Asked):
        """Every field of a request is an attribute."""

        def __getattr__(self, name: str) -> Any: ...

    class EstimateIn(GenerateIn):
        """The same."""

    class EnhanceIn(GenerateIn):
        """Those of ENHANCE."""

else:
    GenerateIn = schema_of("GenerateIn", Asked, FIELDS.values(), "A render to be made.")
    EstimateIn = schema_of("EstimateIn", Queried, FIELDS.values(), "A render that might be made.")
    EnhanceIn = schema_of(
        "EnhanceIn",
        Asked,
        (FIELDS[name] for name in ENHANCE),
        "What to make of a finished output; nothing is drawn anew.",
    )


class Links(Schema):
    """Where to go on."""

    self: str
    cancel: str
    web: str
    websocket: str


class ReasonOut(Schema):
    """What was chosen or will not be as it was asked for, and why."""

    code: str
    chosen: str
    why: str


class EstimateOut(Schema):
    """What a render would meet if it were submitted now. Null and "estimating": not known yet."""

    queue_position: int
    estimated_seconds: float | None
    estimated_range: tuple[float, float] | None
    estimated_time: str
    estimated_start: datetime | None
    quality: str
    message: str
    suggestion: str | None
    reasons: list[ReasonOut]


class GenerateOut(EstimateOut):
    """The job that was made of a request."""

    job_id: str
    status: StatusWord
    progress: float
    seed: int
    links: Links


class AttemptOut(Schema):
    """One try at a job on one device."""

    number: int
    device: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    resumed_from: int
    batch_size: int
    lowered: list[Any]


class OutputOut(Schema):
    """A finished file; `consistency` says how a clip's frames follow from one another."""

    id: str
    url: str
    thumbnail_url: str | None
    strip_url: str | None
    kind: str
    media_type: str
    width: int
    height: int
    frames: int
    fps: float | None
    bytes: int
    sha256: str
    consistency: dict[str, Any] | None


class ErrorOut(Schema):
    """Why a job failed and what to do next."""

    code: str
    message: str
    hint: str


class AbsenceOut(Schema):
    """That the device of a running job is away; `since` is null when its worker was stopped."""

    code: str
    message: str
    since: datetime | None


class JobOut(Schema):
    """A job right now. Position 0 runs, 1 is next, null has ended or is on hold."""

    job_id: str
    type: Literal["image", "video"]
    status: StatusWord
    progress: float
    stage: str
    frames_complete: int
    frames_total: int
    steps_complete: int
    steps_total: int
    estimated_remaining: str
    estimated_remaining_seconds: float | None
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    gpu_queue_position: int | None
    held: bool
    saved_steps: int
    work: WorkWord
    device: str | None
    device_away: AbsenceOut | None
    priority: PriorityWord
    quality: str
    cancel_requested: bool
    seed: int
    reasons: list[ReasonOut]
    attempts: list[AttemptOut]
    outputs: list[OutputOut]
    error: ErrorOut | None


class JobChange(Schema):
    """What may be changed of a job that waits: at least one of the two."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    priority: PriorityWord = _NOT_NAMED
    position: Literal["front"] = _NOT_NAMED


class CloneIn(Schema):
    """With which seed a job is rendered again; without one it is drawn."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None


class CancelIn(Schema):
    """The jobs that shall be cancelled."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # JSON has no type of its own for ids.
    job_ids: Annotated[
        list[Annotated[UUID, Field(strict=False)]], Field(min_length=1, max_length=MOST)
    ]


class CancelOut(Schema):
    """Which were cancelled, or asked to stop, and which had ended or were stopping already."""

    cancelled: list[str]
    unchanged: list[str]


class Problem(Schema):
    """One thing that is wrong with a request."""

    field: str
    code: str
    message: str
    allowed: str


class ProblemsOut(Schema):
    """Why a request was refused."""

    detail: str
    errors: list[Problem]


class Refused(Schema):
    """Why a request was refused, when no single field is to blame."""

    detail: str
    code: str
