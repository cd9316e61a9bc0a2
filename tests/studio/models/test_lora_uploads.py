"""Uploaded LoRA weights: their tables are read before anything is kept."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from django.core.files.base import ContentFile

from studio.models import uploads
from tests.studio.models.test_uploads import refused


def safetensors(header: Any, length: int | None = None, data: int = 0) -> ContentFile:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    start = struct.pack("<Q", len(text) if length is None else length)
    return ContentFile(start + text + bytes(data))


def table(**changes: Any) -> dict[str, Any]:
    """The table of a LoRA with one module of 256 bytes; changes replace its halves."""
    halves = {
        "lora_A": {"dtype": "F32", "shape": [4, 8], "data_offsets": [0, 128]},
        "lora_B": {"dtype": "F32", "shape": [8, 4], "data_offsets": [128, 256]},
    }
    return {
        "__metadata__": {"format": "pt"},
        **{f"unet.down.{name}.weight": half for name, half in (halves | changes).items()},
    }


LORA_HEADER = table()


def test_safetensors_with_lora_weights_are_accepted() -> None:
    upload = safetensors(LORA_HEADER, data=256)

    uploads.check_lora(upload)

    assert upload.tell() == 0, "the file must be at its start when it is stored"


def test_other_weights_are_refused() -> None:
    weight = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

    with refused("no_lora"):
        uploads.check_lora(safetensors({"unet.conv_in.weight": weight}, data=8))


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (LORA_HEADER, 255),
        (LORA_HEADER, 0),
        (LORA_HEADER, 300),
        (table(lora_B={"dtype": "F32", "shape": [8, 4], "data_offsets": [64, 192]}), 192),
        (table(lora_B={"dtype": "F32", "shape": [8, 4], "data_offsets": [0, 128]}), 128),
        (table(lora_B={"dtype": "F32", "shape": [8, 4], "data_offsets": [136, 264]}), 264),
        (table(lora_B={"dtype": "F32", "shape": [8, 8], "data_offsets": [128, 256]}), 256),
        (table(lora_B={"dtype": "X7", "shape": [8, 4], "data_offsets": [128, 256]}), 256),
        (table(lora_B={"dtype": "F32", "shape": [-8, -4], "data_offsets": [128, 256]}), 256),
        (table(lora_B={}), 128),
        (table(lora_B=3), 128),
    ],
    ids=[
        "cut short",
        "without data",
        "too long",
        "overlapping",
        "the same place twice",
        "with a hole",
        "a size that does not fit",
        "unknown numbers",
        "negative sizes",
        "an empty row",
        "no row",
    ],
)
def test_a_lora_whose_table_is_wrong_is_refused(header: Any, data: int) -> None:
    with refused("file_damaged"):
        uploads.check_lora(safetensors(header, data=data))


def test_a_lora_with_an_empty_table_is_refused() -> None:
    with refused("no_tensors"):
        uploads.check_lora(safetensors({"__metadata__": {"lora": "yes"}}))


@pytest.mark.parametrize(
    "upload",
    [
        ContentFile(b""),
        ContentFile(b"PK\x03\x04 a pickle in a zip file"),
        safetensors(b"{broken"),
        safetensors(b"\xff\xfe"),
        safetensors(["lora"]),
        safetensors("lora"),
        safetensors(3),
        safetensors(b"[" * 100_000),
        safetensors(LORA_HEADER, length=uploads.MAX_LORA_HEADER + 1),
        safetensors(LORA_HEADER, length=2**63),
    ],
    ids=[
        "empty",
        "pickle",
        "broken JSON",
        "no text",
        "a list",
        "a word",
        "a number",
        "deeply nested",
        "long header",
        "endless header",
    ],
)
def test_other_files_are_refused_as_lora(upload: ContentFile) -> None:
    with refused("no_safetensors"):
        uploads.check_lora(upload)


def test_a_lora_of_more_than_a_gigabyte_is_refused() -> None:
    upload = safetensors(LORA_HEADER)
    upload.size = uploads.MAX_LORA_BYTES + 1

    with refused("lora_too_large", "1 GB"):
        uploads.check_lora(upload)
