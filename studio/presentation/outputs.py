"""Labels for the files of a render: their kinds, clip lengths and download names."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from generation.models import Output
from studio.models import Take
from studio.presentation import durations


class FileKind(NamedTuple):
    """The label of a kind of file, and its use."""

    word: str
    use: str


KINDS = {
    "image": FileKind("PNG", "lossless picture"),
    "video": FileKind("MP4", "plays everywhere"),
    "webm": FileKind("WebM", "for web pages"),
    "gif": FileKind("GIF", "256 colours, loops"),
    "apng": FileKind("APNG", "lossless, loops"),
    "frames": FileKind("Frames", "PNGs in a ZIP"),
}
"""Every kind of `Output`. An unknown kind is its own label."""


def kind(output: Output) -> FileKind:
    """The label of a file's kind."""
    return KINDS.get(output.kind, FileKind(output.kind, ""))


def length(output: Output) -> str:
    """A clip's length: "3.0 s"; empty for a picture."""
    return durations.short(output.frames / output.fps) if output.fps else ""


def download_name(output: Output) -> str:
    """A readable file name, such as "sh010-take3.mp4"; the job's id when it has no take."""
    take = Take.objects.filter(job=output.job_id).select_related("shot").first()
    stem = f"{take.shot.slug}-take{take.number}" if take else str(output.job_id)
    suffix = PurePosixPath(output.file.name or "").suffix
    return f"{stem}{'-frames' if output.kind == 'frames' else ''}{suffix}"
