"""A character's LoRA: checked, stored with its hash, removed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from safetensors.numpy import save as safetensors

from studio.models import Character
from tests.studio.admin.asking import address, filled, text

LORA = safetensors({"unet.lora_A.weight": np.zeros((2, 2), np.float32)})


def test_lora_is_optional_and_its_hash_is_kept(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Character, "change", ours.character.pk)
    assert as_root.post(url, filled(as_root, url)).status_code == 302
    upload = SimpleUploadedFile("mika.safetensors", LORA)
    assert as_root.post(url, filled(as_root, url) | {"lora": upload}).status_code == 302
    ours.character.refresh_from_db()
    digest = ours.character.lora_sha256
    assert len(digest) == 64
    assert ours.character.lora.read() == LORA
    # Saving the form again without a file changes nothing.
    assert as_root.post(url, filled(as_root, url)).status_code == 302
    ours.character.refresh_from_db()
    assert ours.character.lora_sha256 == digest
    page = text(as_root.get(url))
    assert digest in page
    assert ours.character.lora.name in page


def test_lora_can_be_removed(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", LORA)
    as_root.post(url, filled(as_root, url) | {"lora": upload})
    assert as_root.post(url, filled(as_root, url) | {"lora-clear": "on"}).status_code == 302
    ours.character.refresh_from_db()
    assert not ours.character.lora
    assert ours.character.lora_sha256 == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 a pickle in a zip", "no safetensors file"),
        (safetensors({"weight": np.zeros(2, np.float32)}), "holds no LoRA weights"),
    ],
)
def test_file_that_is_no_lora_is_refused(
    as_root: Client, ours: SimpleNamespace, content: bytes, sentence: str
) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", content)
    answer = as_root.post(url, filled(as_root, url) | {"lora": upload})
    assert sentence in text(answer)
    ours.character.refresh_from_db()
    assert not ours.character.lora


def test_missing_lora_file_is_an_error(as_root: Client, ours: SimpleNamespace) -> None:
    Character.objects.update(lora="loras/gone.safetensors", lora_sha256="0" * 64)
    url = address(Character, "change", ours.character.pk)
    assert "The stored file is gone" in text(as_root.post(url, filled(as_root, url)))
