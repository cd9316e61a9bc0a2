"""Files that are either there and whole, or not there: written beside their place, then moved."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"
"""How the names of unfinished files begin, unless the caller finds them by another name."""


def replace(
    target: Path, content: Iterable[bytes], *, prefix: str = PREFIX, durable: bool = True
) -> None:
    """Write `content`, whether `target` exists or not; a former file stays until the new is whole.

    Where `durable`, the file outlasts a power cut once this returns. What `content` raises passes
    through, and so does OSError, such as that of a full disk.
    """
    with _written(target.parent, content, prefix, durable) as unfinished:
        os.replace(unfinished, target)


def create(targets: Iterable[Path], content: Iterable[bytes], *, mode: int) -> Path:
    """Write `content` to the first of `targets` that is not taken, and say which that was.

    No file is ever overwritten, also none that appears during the writing. The targets lie in one
    folder. The file outlasts a power cut once this returns; exceptions are those of `replace`.
    """
    names = iter(targets)
    target = next(names)
    with _written(target.parent, content, PREFIX, durable=True) as unfinished:
        os.chmod(unfinished, mode)
        while True:
            try:
                # A link, other than a rename, fails where the name is taken.
                os.link(unfinished, target)
            except FileExistsError:
                target = next(names)
            else:
                return target


@contextmanager
def _written(folder: Path, content: Iterable[bytes], prefix: str, durable: bool) -> Iterator[Path]:
    """A temporary file with the content, to be moved or linked; what is left of it is deleted."""
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
    """Make new names themselves outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
