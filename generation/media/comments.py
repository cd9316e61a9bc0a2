"""Adds a text to GIF and animated PNG files, for which FFmpeg's muxers write none.

Both formats are lists of blocks with a fixed ending. A text is added to a finished file by writing
it before that ending: nothing else moves, whatever the file's size.
Sources: the GIF89a specification (section 24, comment extension) and the PNG specification (third
edition, 11.3.3.4 iTXt).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

GIF_MAGIC = b"GIF89a"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_KEYWORD = "Comment"

_GIF_TRAILER = b";"
_GIF_EXTENSION, _GIF_IMAGE, _GIF_COMMENT = 0x21, 0x2C, 0xFE
_GIF_BLOCK_BYTES = 255
# Length 0, type, no data, the checksum of the type alone.
_PNG_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
# Uncompressed, compression method 0, no language, no translated keyword.
_PNG_AFTER_KEYWORD = b"\0" + b"\0\0" + b"\0" + b"\0"
_PNG_TEXT = PNG_KEYWORD.encode() + _PNG_AFTER_KEYWORD


def add_gif_comment(path: Path, text: str) -> None:
    """Add a comment after the last picture. Raises ValueError if the file is no complete GIF."""
    content = text.encode()
    parts = (
        content[start : start + _GIF_BLOCK_BYTES]
        for start in range(0, len(content), _GIF_BLOCK_BYTES)
    )
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    block = bytes([_GIF_EXTENSION, _GIF_COMMENT]) + blocks + b"\0"
    _insert_before_end(path, block, _GIF_TRAILER)


def add_png_text(path: Path, text: str, keyword: str = PNG_KEYWORD) -> None:
    """Add a text chunk after the last picture. Raises ValueError if it is no complete PNG."""
    content = b"iTXt" + keyword.encode() + _PNG_AFTER_KEYWORD + text.encode()
    block = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    _insert_before_end(path, block, _PNG_END)


def read_comment(path: Path) -> str | None:
    """The text that `add_gif_comment` or `add_png_text` wrote; None if there is none.

    Also None for a truncated file and for other formats.
    """
    with path.open("rb") as file:
        if file.read(len(GIF_MAGIC)) == GIF_MAGIC:
            found = b"".join(_gif_comments(file))
        else:
            file.seek(0)
            found = _png_text(file) if file.read(len(PNG_MAGIC)) == PNG_MAGIC else b""
    return found.decode(errors="replace") if found else None


def _insert_before_end(path: Path, block: bytes, end: bytes) -> None:
    with path.open("r+b") as file:
        position = max(0, file.seek(0, os.SEEK_END) - len(end))
        file.seek(position)
        if file.read() != end:
            raise ValueError(f"{path.name} does not end as its format does.")
        file.seek(position)
        file.write(block + end)


def _gif_comments(file: BinaryIO) -> Iterator[bytes]:
    """The comments' bytes, from a file positioned after its magic bytes."""
    screen = file.read(7)
    if len(screen) == 7:
        _skip_palette(file, screen[4])
    while introducer := file.read(1):
        if introducer[0] == _GIF_EXTENSION:
            label = file.read(1)
            for part in _gif_parts(file):
                if label == bytes([_GIF_COMMENT]):
                    yield part
        elif introducer[0] == _GIF_IMAGE:
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return
            _skip_palette(file, descriptor[8])
            file.seek(1, os.SEEK_CUR)  # The LZW minimum code size.
            for _ in _gif_parts(file):
                pass
        else:
            return


def _skip_palette(file: BinaryIO, packed: int) -> None:
    """Skip three bytes for each of 2^(n+1) colours if the packed field declares a palette."""
    if packed & 0x80:
        file.seek(3 << ((packed & 7) + 1), os.SEEK_CUR)


def _gif_parts(file: BinaryIO) -> Iterator[bytes]:
    """Sub-blocks of at most 255 bytes, up to the empty one that ends them."""
    while (size := file.read(1)) and size[0]:
        yield file.read(size[0])


def _png_text(file: BinaryIO) -> bytes:
    """The text of our chunk, from a file positioned after its magic bytes."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        end = file.tell() + length + 4  # 4 bytes of checksum.
        if kind == b"iTXt" and (content := file.read(length)).startswith(_PNG_TEXT):
            return content[len(_PNG_TEXT) :]
        file.seek(end)
    return b""
