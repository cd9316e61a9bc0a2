"""Files that are either there and whole, or not there."""

import os
import tempfile
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes to a temporary file beside the target, syncs it, then links it into place."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for chunk in content.chunks():
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            name = self._link(temporary, name)
        finally:
            os.unlink(temporary)
        return name.replace("\\", "/")

    def _link(self, temporary: str, name: str) -> str:
        """A link never overwrites: a name that was taken meanwhile gets another one."""
        while True:
            try:
                os.link(temporary, self.path(name))
            except FileExistsError:
                name = self.get_available_name(name)
            else:
                os.chmod(self.path(name), self.file_permissions_mode or 0o644)
                return name
