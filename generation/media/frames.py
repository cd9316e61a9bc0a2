"""Keeps a clip's frames on disk, lossless, so that memory does not grow with the clip."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from generation.media import atomic, plain_files

# Level 1 takes a third of the time of level 6, and these files are deleted after their render.
PNG_LEVEL = 1
# The earliest date that a zip can store. A fixed date makes equal frames give equal bytes.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class FrameFolder:
    """Frames of one clip as 000001.png, 000002.png and so on, in the order they were added.

    The folder is created if necessary. Frames that are already in it are counted, and new ones
    follow them. A frame is written completely or not at all, even when the process is killed.
    Raises OSError, for example when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._count = 0
        while self._file(self._count).is_file():
            self._count += 1

    def add(self, picture: Image.Image) -> None:
        """Write the next frame, as RGB."""
        content = io.BytesIO()
        picture.convert("RGB").save(content, "PNG", compress_level=PNG_LEVEL)
        target = self._file(self._count)
        if target.is_dir():
            plain_files.remove(target)
        # Not durable: syncing each frame takes long, and frames lost in a power cut are redrawn.
        atomic.replace(target, [content.getvalue()], durable=False)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Image.Image]:
        """Yield the frames in order; each is read when it is needed."""
        for index in range(self._count):
            yield self[index]

    def __getitem__(self, index: int) -> Image.Image:
        """The frame at `index`, counted from the end if negative. Raises IndexError."""
        position = index + self._count if index < 0 else index
        if not 0 <= position < self._count:
            raise IndexError(f"There is no frame {index} among {self._count}.")
        with Image.open(self._file(position)) as file:
            return file.convert("RGB")

    def clear(self) -> None:
        """Delete all frames; new ones may be added."""
        self.remove()
        self.path.mkdir(parents=True)

    def remove(self) -> None:
        """Delete the folder with all frames, if it exists."""
        if self.path.exists():
            shutil.rmtree(self.path)
        self._count = 0

    def pack(self, path: Path, on_frame: Callable[[int], None]) -> None:
        """Write a zip of the PNGs, uncompressed: the same frames give the same bytes.

        `on_frame` is called with the number of packed frames and may raise to stop. After any
        exception no partial file remains.
        """
        try:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                for index in range(self._count):
                    file = self._file(index)
                    entry = zipfile.ZipInfo(file.name, ZIP_DATE)
                    entry.create_system = 3
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, file.read_bytes())
                    on_frame(index + 1)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _file(self, index: int) -> Path:
        return self.path / f"{index + 1:06d}.png"
