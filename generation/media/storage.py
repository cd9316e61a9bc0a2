"""A storage on this machine's disk that writes files atomically."""

from collections.abc import Iterator
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from generation.media import atomic

READABLE = 0o644


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes a temporary file, then links it; a file whose name is taken gets another name."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        tried: list[str] = []

        def targets() -> Iterator[Path]:
            tried.append(name)
            while True:
                yield Path(self.path(tried[-1]))
                tried.append(self.get_available_name(tried[-1]))

        mode = self.file_permissions_mode or READABLE
        atomic.create(targets(), content.chunks(), mode=mode)
        return tried[-1].replace("\\", "/")
