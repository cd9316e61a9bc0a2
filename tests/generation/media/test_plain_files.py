"""A folder or a FIFO that is named like a file neither hangs nor stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from generation.media import plain_files
from generation.media.frames import FrameFolder

MAKE: dict[str, Callable[[Path], Any]] = {
    "folder": lambda path: (path / "inside").mkdir(parents=True),
    "fifo": os.mkfifo,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", MAKE)
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "named"
    MAKE[kind](path)

    with pytest.raises(OSError, match="named"):
        plain_files.read(path)

    plain_files.remove(path)
    assert not os.path.lexists(path)


def test_a_file_is_read_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "named"
    path.write_bytes(b"content")

    assert plain_files.read(path) == b"content"
    plain_files.remove(path)
    plain_files.remove(path)
    assert not path.exists()


@pytest.mark.parametrize("kind", MAKE)
def test_frames_are_written_over_what_is_no_frame(kind: str, tmp_path: Path) -> None:
    MAKE[kind](tmp_path / "000001.png")

    frames = FrameFolder(tmp_path)
    assert len(frames) == 0
    frames.add(Image.new("RGB", (8, 8), "teal"))

    assert frames[0].size == (8, 8)
    assert len(FrameFolder(tmp_path)) == 1


@pytest.mark.parametrize("kind", MAKE)
def test_a_link_elsewhere_is_removed_and_not_what_it_leads_to(kind: str, tmp_path: Path) -> None:
    target, link = tmp_path / str(uuid4()), tmp_path / "link"
    MAKE[kind](target)
    link.symlink_to(target)

    plain_files.remove(link)

    assert os.path.lexists(target)
    assert not os.path.lexists(link)
