"""Files in the storage are either complete or missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile, File

from generation.media.storage import AtomicFileSystemStorage


class Torn(ContentFile):
    """A source that fails in the middle."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"half"
        raise OSError("the line went dead")


@pytest.fixture
def storage(tmp_path: Path) -> AtomicFileSystemStorage:
    return AtomicFileSystemStorage(location=tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_with_its_folder(
    storage: AtomicFileSystemStorage, tmp_path: Path
) -> None:
    name = storage.save("outputs/2026/one.png", ContentFile(b"all of it"))

    assert name == "outputs/2026/one.png"
    assert (tmp_path / name).read_bytes() == b"all of it"
    assert names(tmp_path) == ["one.png"], "no temporary file stays"
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


def test_a_source_that_fails_leaves_no_file(
    storage: AtomicFileSystemStorage, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="the line went dead"):
        storage.save("one.png", Torn(b""))

    assert names(tmp_path) == []


def test_a_name_that_is_taken_gets_another(
    storage: AtomicFileSystemStorage, tmp_path: Path
) -> None:
    first = storage.save("one.png", ContentFile(b"first"))
    second = storage.save("one.png", ContentFile(b"second"))

    assert first != second
    assert (tmp_path / first).read_bytes() == b"first"
    assert (tmp_path / second).read_bytes() == b"second"


def test_a_name_that_is_taken_during_the_writing_gets_another(
    storage: AtomicFileSystemStorage, tmp_path: Path
) -> None:
    class Slow(ContentFile):
        """Another process takes the name during the writing."""

        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            (tmp_path / "one.png").write_bytes(b"somebody else's")
            yield b"mine"

    name = storage.save("one.png", Slow(b""))

    assert name != "one.png"
    assert (tmp_path / "one.png").read_bytes() == b"somebody else's"
    assert (tmp_path / name).read_bytes() == b"mine"


def test_permissions_may_be_set(tmp_path: Path) -> None:
    storage = AtomicFileSystemStorage(location=tmp_path, file_permissions_mode=0o600)

    name = storage.save("one.png", File(ContentFile(b"secret").file))

    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
