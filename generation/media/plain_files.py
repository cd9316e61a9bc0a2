"""Files that are found by their names in a folder, where a folder or a FIFO may have that name."""

import errno
import os
import shutil
import stat
from pathlib import Path


def read(path: Path) -> bytes:
    """The content of a file. Raises OSError, at once also for a FIFO that nobody writes to."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is no plain file", str(path))
        return file.read()


def remove(path: Path) -> None:
    """Delete whatever has this name, a folder with all that it holds. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
