"""Labels for the files of a render: their kinds and clip lengths."""

from __future__ import annotations

from typing import NamedTuple

from generation.models import Output
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
