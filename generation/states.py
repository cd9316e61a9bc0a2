"""The vocabulary of the queue: statuses and their transitions, stages, priorities, outcomes.

This module imports only the standard library, so that every package may use it. Each choice has the
label that all pages show.
"""

from enum import IntEnum, StrEnum


class Status(StrEnum):
    """The status of a job. Whether a person approved its picture is a separate field."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The word on pages."""
        return {"queued": "Waiting", "processing": "Rendering", "completed": "Done"}.get(
            self.value, self.value.capitalize()
        )

    @property
    def icon(self) -> str:
        """A shape for each status, so that colour is never the only difference."""
        return {
            Status.QUEUED: "○",
            Status.PROCESSING: "◐",
            Status.COMPLETED: "●",
            Status.FAILED: "✕",
            Status.CANCELLED: "—",
        }[self]

    @property
    def ended(self) -> bool:
        """True when the job's status no longer changes unless somebody requests a retry."""
        return self in ENDED


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PROCESSING, Status.CANCELLED, Status.FAILED}),
    Status.PROCESSING: frozenset(
        {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.QUEUED}
    ),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
}

ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
ACTIVE = frozenset({Status.QUEUED, Status.PROCESSING})


class Outcome(StrEnum):
    """The outcome of an attempt; `running` until it ends."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    PREEMPTED = "preempted"
    LOST = "lost"

    @property
    def label(self) -> str:
        """The text in the job's history."""
        return {
            "handed_back": "Handed back: the worker was stopped",
            "preempted": "Gave way to urgent work",
            "lost": "Lost: the worker vanished",
        }.get(self.value, self.value.capitalize())


class Work(StrEnum):
    """The kinds of work that a device may be reserved for, by what a job mainly does."""

    PREVIEW = "preview"
    IMAGE = "image"
    VIDEO = "video"
    INTERPOLATE = "interpolate"
    UPSCALE = "upscale"

    @property
    def label(self) -> str:
        """The label on pages."""
        return {
            "preview": "Draft images",
            "image": "Images",
            "video": "Videos",
            "interpolate": "Interpolation",
            "upscale": "Upscaling",
        }[self.value]


class Pause(StrEnum):
    """Whether a device takes jobs, and what happens to its running job when it is paused."""

    NONE = ""
    AFTER_JOB = "after_job"
    AT_ONCE = "at_once"

    @property
    def label(self) -> str:
        """The label on pages."""
        return {
            "": "Takes work",
            "after_job": "Finish this and stop",
            "at_once": "Hand back now and stop",
        }[self.value]


class Stage(StrEnum):
    """The stages of an attempt, in the order in which they run."""

    LOAD = "load"
    ENCODE = "encode"
    DENOISE = "denoise"
    DECODE = "decode"
    INTERPOLATE = "interpolate"
    UPSCALE = "upscale"
    WRITE = "write"
    CHECK = "check"

    @property
    def label(self) -> str:
        """The text shown while the stage runs."""
        return {
            "load": "Loading the model",
            "encode": "Reading the prompt",
            "denoise": "Denoising",
            "decode": "Decoding",
            "interpolate": "Drawing in-betweens",
            "upscale": "Upscaling",
            "write": "Writing the file",
            "check": "Checking the clip",
        }[self.value]

    @property
    def verb(self) -> str:
        """The word before "frame 42/72" in stages that count frames."""
        return {
            "decode": "Decoding",
            "interpolate": "Interpolating",
            "upscale": "Upscaling",
            "write": "Writing",
            "check": "Checking",
        }.get(self.value, self.label)


class Priority(IntEnum):
    """The priority of a job; lower runs first. Stored as a number, named by its word elsewhere."""

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def word(self) -> str:
        """The word in the HTTP API: urgent, high, normal or low."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The label on pages."""
        return self.name.capitalize()

    @classmethod
    def from_word(cls, word: str) -> "Priority":
        """The priority that a word names. Raises KeyError for other words."""
        return cls[word.upper()]


def choices(
    enum: type[Status | Stage | Outcome | Priority | Work | Pause],
) -> list[tuple[str | int, str]]:
    """(value, label) pairs of an enum of this module, for Django's fields and forms."""
    return [(member.value, member.label) for member in enum]
