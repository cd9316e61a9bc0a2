"""Files are either complete or missing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from generation.media import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def torn() -> Iterator[bytes]:
    """Content that fails in the middle."""
    yield b"half"
    raise OSError(errno.EIO, "the line went dead")


def numbered(folder: Path) -> Iterator[Path]:
    return (folder / f"{number}.png" for number in count(1))


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files and folders that are synced to the disk."""
    done: list[str] = []
    sync = os.fsync

    def noted(handle: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return done


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_when_the_new_one_is_complete(durable: bool, tmp_path: Path) -> None:
    target = tmp_path / "new" / "one.bin"
    seen: list[list[str]] = []

    def content() -> Iterator[bytes]:
        yield b"all "
        seen.append(names(target.parent))
        yield b"of it"

    atomic.replace(target, [b"former"], durable=durable)
    atomic.replace(target, content(), prefix="mine-", durable=durable)

    assert target.read_bytes() == b"all of it"
    assert names(tmp_path) == ["one.bin"], "no temporary file stays"
    (unfinished,) = set(seen[0]) - {"one.bin"}
    assert unfinished.startswith("mine-")


def test_failing_content_keeps_the_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "one.bin"
    target.write_bytes(b"former")

    with pytest.raises(OSError, match="the line went dead"):
        atomic.replace(target, torn())

    assert (target.read_bytes(), names(tmp_path)) == (b"former", ["one.bin"])


def test_failing_content_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the line went dead"):
        atomic.create(numbered(tmp_path), torn(), mode=0o644)

    assert names(tmp_path) == []


def test_a_full_disk_at_the_sync_keeps_the_existing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    atomic.replace(tmp_path / "one.bin", [b"former"])
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        atomic.replace(tmp_path / "one.bin", [b"new"])

    assert names(tmp_path) == ["one.bin"]
    assert (tmp_path / "one.bin").read_bytes() == b"former"


def test_a_new_file_takes_the_first_free_name_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"somebody else's")

    def content() -> Iterator[bytes]:
        (tmp_path / "2.png").write_bytes(b"taken during the writing")
        yield b"mine"

    created = atomic.create(numbered(tmp_path), content(), mode=0o640)

    assert created == tmp_path / "3.png"
    assert created.read_bytes() == b"mine"
    assert created.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "1.png").read_bytes() == b"somebody else's"
    assert (tmp_path / "2.png").read_bytes() == b"taken during the writing"
    assert names(tmp_path) == ["1.png", "2.png", "3.png"]


def test_the_file_and_its_folder_are_synced(tmp_path: Path, synced: list[str]) -> None:
    atomic.replace(tmp_path / "one.bin", [b"all"])
    atomic.create(numbered(tmp_path), [b"all"], mode=0o644)

    file, folder, other, again = synced
    assert file.startswith(".writing-")
    assert other.startswith(".writing-")
    assert folder == again == tmp_path.name


def test_a_file_that_is_not_durable_is_not_synced(tmp_path: Path, synced: list[str]) -> None:
    atomic.replace(tmp_path / "one.bin", [b"all"], durable=False)

    assert synced == []
