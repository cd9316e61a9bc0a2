"""Writes files atomically: to a temporary file in the same folder, which is then moved or linked.

A file is therefore either complete or missing, even after a crash.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"
"""Prefix of the names of temporary files, unless the caller needs another prefix to find them."""


def replace(
    target: Path, content: Iterable[bytes], *, prefix: str = PREFIX, durable: bool = True
) -> None:
    """Write `content` to `target`; an existing file stays until the new one is complete.

    With `durable`, the file survives a power cut once this returns. Raises OSError, for example
    when the disk is full, and any exception of `content`.
    """
    with _written(target.parent, content, prefix, durable) as unfinished:
        os.replace(unfinished, target)


def create(targets: Iterable[Path], content: Iterable[bytes], *, mode: int) -> Path:
    """Write `content` to the first of `targets` that does not exist yet, and return that path.

    No file is ever overwritten, not even one that is created during the writing. All targets must
    be in one folder. The file survives a power cut once this returns. Raises like `replace`.
    """
    names = iter(targets)
    target = next(names)
    with _written(target.parent, content, PREFIX, durable=True) as unfinished:
        os.chmod(unfinished, mode)
        while True:
            try:
                # Unlike a rename, a link fails when the name is taken.
                os.link(unfinished, target)
            except FileExistsError:
                target = next(names)
            else:
                return target


@contextmanager
def _written(folder: Path, content: Iterable[bytes], prefix: str, durable: bool) -> Iterator[Path]:
    """A temporary file with the content, to be moved or linked; it is deleted if it remains."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=prefix, dir=folder)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            for chunk in content:
                stream.write(chunk)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)
    if durable:
        _sync(folder)


def _sync(folder: Path) -> None:
    """Sync a folder, so that the names of its new files survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
