"""Words for the files of a render: their kinds, how long a clip is, names for downloads."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from generation.models import Output
from studio.models import Take
from studio.presentation import durations


class EventKind(NamedTuple):
    """The word for a kind of file, and what it is good for."""

    word: str
    use: str


KINDS = {
    "image": EventKind("PNG", "lossless picture"),
    "video": EventKind("MP4", "plays everywhere"),
    "webm": EventKind("WebM", "for web pages"),
    "gif": EventKind("GIF", "256 colours, loops"),
    "apng": EventKind("APNG", "lossless, loops"),
    "frames": EventKind("Frames", "PNGs in a ZIP"),
}
"""Every kind of `Output`; what is unknown here is called by the kind itself."""


def kind(output: Output) -> EventKind:
    """The words for a file."""
    return KINDS.get(output.kind, EventKind(output.kind, ""))


def length(output: Output) -> str:
    """How long a clip plays, as a card says it: "3.0 s"; empty for a picture."""
    return durations.short(output.frames / output.fps) if output.fps else ""


def download_name(output: Output) -> str:
    """A name one recognises among one's downloads: "sh010-take3.mp4".

    A job that is no take of a shot names its file by its own id.
    """
    take = Take.objects.filter(job=output.job_id).select_related("shot").first()
    stem = f"{take.shot.slug}-take{take.number}" if take else str(output.job_id)
    suffix = PurePosixPath(output.file.name or "").suffix
    return f"{stem}{'-frames' if output.kind == 'frames' else ''}{suffix}"
