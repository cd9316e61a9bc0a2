"""Names of downloaded files: in the script of the people who named the things they show."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from generation.models import Output
from studio.models import Reference, Take

NAME_BYTES = 255
"""Bytes of a file's name that every usual file system takes."""

_REFUSED = re.compile(r'[<>:"/\\|?*]')


def output_name(output: Output, part: str = "") -> str:
    """Such as "Harbour_Arrival_take3_final.mp4"; the job's id when it has no take.

    `part` names a picture of the file: "thumbnail" or "strip", which are WebPs.
    """
    kinds = [word for word in ("frames" if output.kind == "frames" else "", part) if word]
    suffix = ".webp" if part else PurePosixPath(output.file.name or "").suffix
    take = Take.objects.filter(job=output.job_id).select_related("shot__project", "job").first()
    if take is None:
        return file_name([], [str(output.job_id), *kinds], suffix)
    names = [take.shot.project.name, take.shot.name]
    return file_name(names, [f"take{take.number}", take.job.quality, *kinds], suffix)


def reference_name(reference: Reference) -> str:
    """Such as "Harbour_Mika_reference7.webp"."""
    character = reference.character
    names = [character.project.name, character.name]
    return file_name(names, [f"reference{reference.pk}"], ".webp")


def file_name(names: list[str], words: list[str], suffix: str) -> str:
    """The parts joined by "_". `names` are people's words, shortened so that the whole fits."""
    ending = "_".join(words) + suffix
    left = NAME_BYTES - len(ending.encode()) - len(names)
    safe = [_safe(name) for name in names]
    for place, name in enumerate(safe):
        # Each gets an equal share of what those before it have left.
        safe[place] = _cut(name, left // (len(safe) - place))
        left -= len(safe[place].encode())
    return "_".join([*(name for name in safe if name), ending])


def _safe(name: str) -> str:
    """The name without what some file system refuses or what shows nothing.

    Control and direction characters go too: they could show another ending than the file has.
    """
    text = _REFUSED.sub("-", unicodedata.normalize("NFC", name))
    shown = "".join(one for one in text if unicodedata.category(one)[0] != "C" or one == "\u200d")
    return " ".join(shown.split()).strip(". \u200d")


def _cut(text: str, most: int) -> str:
    """The beginning of a text in at most so many bytes of UTF-8."""
    return text.encode()[:most].decode(errors="ignore").rstrip(". \u200d")
