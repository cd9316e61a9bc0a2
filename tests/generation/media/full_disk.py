"""A storage whose disk is full when the thumbnail is written."""

import errno

from django.core.files import File

from generation.media.storage import AtomicFileSystemStorage


class FullAtTheThumbnail(AtomicFileSystemStorage):
    """The picture still fits, its thumbnail does not."""

    def _save(self, name: str, content: File) -> str:
        if name.endswith(".webp"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._save(name, content)
