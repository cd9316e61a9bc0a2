"""The words of the queue: statuses and their transitions, stages, priorities, outcomes.

Only the standard library is imported here, so that every room may use these words. Each choice
carries the label and the tone that pages show; no page invents its own.
"""

from enum import IntEnum, StrEnum


class Status(StrEnum):
    """Where a job stands. Whether a person approved its picture is another field, elsewhere."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"queued": "Waiting", "processing": "Rendering", "completed": "Done"}.get(
            self.value, self.value.capitalize()
        )

    @property
    def icon(self) -> str:
        """A shape of its own for each status, so that colour never speaks alone."""
        return {
            Status.QUEUED: "○",
            Status.PROCESSING: "◐",
            Status.COMPLETED: "●",
            Status.FAILED: "✕",
            Status.CANCELLED: "—",
        }[self]

    @property
    def ended(self) -> bool:
        """True when nothing more will happen unless somebody asks for a retry."""
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
    """How one attempt at a job ended; `running` while it has not."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    PREEMPTED = "preempted"
    LOST = "lost"

    @property
    def label(self) -> str:
        """What a person reads in the job's history."""
        return {
            "handed_back": "Handed back: the worker was stopped",
            "preempted": "Gave way to urgent work",
            "lost": "Lost: the worker vanished",
        }.get(self.value, self.value.capitalize())


class Work(StrEnum):
    """The kinds of work that devices are set apart for: by what a job mainly does."""

    PREVIEW = "preview"
    IMAGE = "image"
    VIDEO = "video"
    INTERPOLATE = "interpolate"
    UPSCALE = "upscale"

    @property
    def label(self) -> str:
        """What a person reads."""
        return {
            "preview": "Draft images",
            "image": "Images",
            "video": "Videos",
            "interpolate": "Interpolation",
            "upscale": "Upscaling",
        }[self.value]


class Pause(StrEnum):
    """Whether a device takes work, and what becomes of the job it runs when it takes no more."""

    NONE = ""
    AFTER_JOB = "after_job"
    AT_ONCE = "at_once"

    @property
    def label(self) -> str:
        """What a person reads."""
        return {
            "": "Takes work",
            "after_job": "Finish this and stop",
            "at_once": "Hand back now and stop",
        }[self.value]


class Stage(StrEnum):
    """The parts of an attempt, in the order in which they happen."""

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
        """What a person reads while the stage runs."""
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
        """The word before "frame 42/72" in the stages that count frames."""
        return {
            "decode": "Decoding",
            "interpolate": "Interpolating",
            "upscale": "Upscaling",
            "write": "Writing",
            "check": "Checking",
        }.get(self.value, self.label)


class Priority(IntEnum):
    """Lower runs first. Stored as its number, named by its word everywhere else."""

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def word(self) -> str:
        """The word of the HTTP contract: urgent, high, normal or low."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The word a person reads."""
        return self.name.capitalize()

    @classmethod
    def from_word(cls, word: str) -> "Priority":
        """The priority a word names. Raises KeyError for any other word."""
        return cls[word.upper()]


def choices(
    enum: type[Status | Stage | Outcome | Priority | Work | Pause],
) -> list[tuple[str | int, str]]:
    """(value, label) pairs of one of the enums above, as Django's fields and forms want them."""
    return [(member.value, member.label) for member in enum]
