"""The engine's exceptions, in four groups.

A `SpecError` refuses a request before anything is written. A `RenderError` ends an attempt and is
shown with a hint. An `Interruption` is not an error: the render was asked to stop. `SettingError`
and `StaleProcess` end a process, each with an exit status of its own.
"""

import re
from typing import Any

from generation.sentences import Said, Sentence

PUBLIC_LENGTH = 300
"""Characters of an error's text on pages, in rows and in the API's answers."""

_PATH = re.compile(
    r"(?P<quote>['\"])/(?:(?!(?P=quote))[^\n])+(?P=quote)"
    # Not after a letter or another slash: those are in fractions and in web addresses. A word with
    # a slash that follows a blank is the rest of a path with a blank in it.
    r"|(?:(?<=file://)|(?<![\w/.<]))/(?!/)[^\s'\"`<>|:;,)\]}]+(?: [^\s'\"/]+/[^\s'\"`<>|:;,)\]}]*)*"
)
"""An absolute path, in quotes or not."""


def public_text(problem: BaseException | str) -> str:
    """What people may read of an error: its class and first line, without paths of the machine.

    It has at most PUBLIC_LENGTH characters. Libraries list whole state dicts and name folders of
    the server in their errors; that text belongs in the log. A path keeps its last name.
    """
    lines = (line.strip() for line in str(problem).splitlines())
    text = _PATH.sub(_last_name, next(filter(None, lines), ""))
    if isinstance(problem, BaseException):
        kind = type(problem).__name__
        text = f"{kind}: {text}" if text else kind
    return text if len(text) <= PUBLIC_LENGTH else f"{text[: PUBLIC_LENGTH - 1].rstrip()}…"


def _last_name(path: re.Match[str]) -> str:
    quote = path["quote"] or ""
    found = path[0].strip("'\"")
    # The full stop of a sentence, which follows an unquoted path, belongs to the sentence.
    dots = "" if quote else found[len(found.rstrip(".")) :]
    name = found.rstrip("./").rsplit("/", 1)[-1]
    return f"{quote}{name}{quote}{dots}"


class SpecError(ValueError):
    """A refused request: the field, the sentence with code and values, and what is allowed."""

    def __init__(self, field: str, sentence: Sentence, allowed: str = "", **values: Any) -> None:
        self.message = sentence.say(field=field, **values)
        super().__init__(f"{field}: {self.message}")
        self.field = field
        self.code = sentence.code
        self.values = values
        self.allowed = allowed

    @property
    def sentence(self) -> str:
        """The message with what the field allows, for pages and commands."""
        return f"{self.message} Allowed: {self.allowed}." if self.allowed else self.message


class SettingError(ValueError):
    """A process cannot start as it is set up: a variable or an option has an invalid value."""

    exit_status = 78
    """EX_CONFIG of sysexits.h: to start it again is of no use."""


class StaleProcess(Exception):
    """The database that a process works with is no longer there; it ends and is started again."""

    exit_status = 75
    """EX_TEMPFAIL of sysexits.h: whoever supervises the process starts it again."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said


class RenderError(Exception):
    """An attempt failed for a known reason. `code` is stable, `hint` says what to do next."""

    code = "render_failed"
    hint = "Try again; if it fails again, show the job's page to whoever runs the machine."

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    @property
    def fields(self) -> dict[str, str]:
        """What is stored of it: its code, and what people may read of its message and hint."""
        texts = {"message": public_text(self.message), "hint": public_text(self.hint)}
        return {"code": self.code, **texts}


class SpecUnreadable(RenderError):
    """The stored settings of a job are not in the format of this version."""

    code = "spec_unreadable"
    hint = "Render it again from the shot's page; the job was stored by another version."


class ModelMissing(RenderError):
    """The model's folder does not exist."""

    code = "model_missing"
    hint = "Register the model again with `manage.py register_model`, then retry the job."


class ModelChanged(RenderError):
    """Weights or configuration on the disk are not what was registered or uploaded."""

    code = "model_changed"
    hint = (
        "A lead decides on the model's page in the admin site: accept the new files, or switch the "
        "model off. Then retry the job."
    )


class ModelUnreadable(RenderError):
    """The model's folder exists but cannot be loaded."""

    code = "model_unreadable"
    hint = "Check the model's folder (safetensors in diffusers' layout), then retry the job."


class LoraUnreadable(RenderError):
    """A LoRA's file is damaged, or holds what cannot be applied to the model."""

    code = "lora_unreadable"
    hint = "Choose another model, or upload another LoRA on the character's page in the admin site."


class OutOfMemory(RenderError):
    """The device does not have enough memory for this render."""

    code = "out_of_memory"
    hint = "Ask for a smaller size, or let a device with more memory take the job."


class OutputUnwritable(RenderError):
    """The finished file could not be stored."""

    code = "output_unwritable"
    hint = "Make room in the data folder, then retry the job: it renders the same again."


class OutputBroken(RenderError):
    """The finished file was read back and differs from what was rendered."""

    code = "output_broken"
    hint = "Retry the job; if it breaks again, try another seed or lower the guidance."


class SourceUnreadable(RenderError):
    """The picture or clip that a render starts from is missing or cannot be read."""

    code = "source_unreadable"
    hint = "Choose another picture to start from; this file was removed or is damaged."


class WorkerLost(RenderError):
    """The worker processes of too many attempts vanished."""

    code = "worker_lost"
    hint = "Look into the worker's log; retry the job once the machine is well."


class DatabaseUnusable(RenderError):
    """The database failed during too many attempts."""

    code = "database_unusable"
    hint = (
        "Have whoever runs the machine look into the worker's log and at the database's disk; "
        "then retry the job."
    )


class Interruption(Exception):
    """The render was asked to stop between two steps; not a failure."""


class CancelRequested(Interruption):
    """Somebody requested the cancellation of this job."""


class WorkerStopping(Interruption):
    """The worker was asked to stop; its job goes back to the queue."""


class Preempted(Interruption):
    """Urgent work needs the device; the job goes back to the queue and is resumed later."""


class DatabaseFailed(Interruption):
    """The database did not take a part of the result; the job goes back to the queue."""


class LeaseLost(Interruption):
    """Another worker may own the job by now; this worker must not store anything for it."""
