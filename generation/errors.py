"""The engine's exceptions: what was asked wrongly, what failed, and what merely stopped.

Three families, because they are three different things to a person: a `SpecError` is refused
before anything is written, a `RenderError` ends an attempt and is told with a hint, and an
`Interruption` is no error at all: somebody or something asked the render to stop.
"""

from typing import Any

from generation.sentences import Sentence


class SpecError(ValueError):
    """A request that is refused: the field, the sentence with its code, and what is allowed."""

    def __init__(
        self, field: str, sentence: Sentence | str, allowed: str = "", **values: Any
    ) -> None:
        told = sentence if isinstance(sentence, Sentence) else Sentence("refused", "")
        self.message = told.say(field=field, **values) or str(sentence)
        super().__init__(f"{field}: {self.message}")
        self.field = field
        self.code = told.code
        self.allowed = allowed

    @property
    def sentence(self) -> str:
        """The message with what the field allows, for pages and commands."""
        return f"{self.message} Allowed: {self.allowed}." if self.allowed else self.message


class SettingError(ValueError):
    """A setting of the environment has a value that cannot be used."""


class RenderError(Exception):
    """An attempt failed in a way we know. `code` is stable, `hint` says what to do next."""

    code = "render_failed"
    hint = "Try again; if it fails again, show the job's page to whoever runs the machine."

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class SpecUnreadable(RenderError):
    """What a job stores of its settings is not what this version writes."""

    code = "spec_unreadable"
    hint = "Render it again from the shot's page; the job was stored by another version."


class ModelMissing(RenderError):
    """The model's folder is not there."""

    code = "model_missing"
    hint = "Register the model again with `manage.py register_model`, then retry the job."


class ModelUnreadable(RenderError):
    """The model's folder is there but cannot be loaded."""

    code = "model_unreadable"
    hint = "Check the model's folder (safetensors in diffusers' layout), then retry the job."


class OutOfMemory(RenderError):
    """The device has not enough memory for this render."""

    code = "out_of_memory"
    hint = "Ask for a smaller size, or let a device with more memory take the job."


class OutputUnwritable(RenderError):
    """The finished file could not be stored."""

    code = "output_unwritable"
    hint = "Make room in the data folder, then retry the job: it renders the same again."


class OutputBroken(RenderError):
    """The finished file was read back and is not what was rendered."""

    code = "output_broken"
    hint = "Retry the job; if it breaks again, try another seed or lower the guidance."


class SourceUnreadable(RenderError):
    """The picture or clip that a render starts from is gone or cannot be read."""

    code = "source_unreadable"
    hint = "Choose another picture to start from; this file was removed or is damaged."


class Interruption(Exception):
    """The render was told to stop between two steps; not a failure."""


class CancelRequested(Interruption):
    """Somebody asked for this job to be cancelled."""


class WorkerStopping(Interruption):
    """The worker was asked to stop; its job goes back to the queue."""


class Preempted(Interruption):
    """Urgent work needs the device; the job goes back to the queue and is resumed later."""


class LeaseLost(Interruption):
    """Another worker may own the job by now; whatever this one has must not be stored."""
