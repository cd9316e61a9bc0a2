"""A character's LoRA: checked, stored with its hash, removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generation.models import ModelCard
from studio.models import Character
from tests.studio.admin.asking import address, filled, text, told
from tests.studio.lora_uploads import (
    as_file,
    foreign,
    kohya_lora,
    modules,
    other_names,
    peft_lora,
    sdxl_lora,
)

LORA = as_file(peft_lora())


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
    assert ours.character.lora_facts == {}


REFUSED = {
    "a pickle": (b"PK\x03\x04 a pickle in a zip", "no_safetensors"),
    "other weights": (as_file({"weight": np.zeros(2, np.float32)}), "no_lora"),
    "cut short": (LORA[:-10], "file_damaged"),
    "with an empty table": (as_file({}), "no_tensors"),
    "LoHa": (as_file(foreign("hada_w1_a", "hada_w1_b", "alpha")), "lora_algorithm"),
    "LoKr": (as_file(foreign("lokr_w1", "lokr_w2")), "lora_algorithm"),
    "DoRA of kohya": (
        as_file(foreign("lora_down.weight", "lora_up.weight", "dora_scale")),
        "lora_algorithm",
    ),
    "(IA)3": (as_file(foreign("weight", "on_input")), "lora_algorithm"),
    "a difference": (as_file(foreign("diff")), "lora_algorithm"),
    "half a LoRA": (as_file(foreign("lora_down.weight")), "lora_halves"),
    "a LoRA with something else": (
        as_file({**kohya_lora(), "step": np.zeros(1, np.float32)}),
        "lora_not_alone",
    ),
    "for another family": (as_file(sdxl_lora()), "lora_made_for_others"),
    "for other modules": (as_file(other_names(peft_lora(), 0)), "lora_fits_no_model"),
    "of another width": (
        as_file(
            {
                name: np.repeat(one, 2, axis=1) if "lora_A" in name else one
                for name, one in peft_lora().items()
            }
        ),
        "lora_fits_no_model",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_lora_that_cannot_be_applied_is_refused_by_name(
    kind: str, as_root: Client, ours: SimpleNamespace
) -> None:
    content, code = REFUSED[kind]
    url = address(Character, "change", ours.character.pk)

    answer = as_root.post(
        url, filled(as_root, url) | {"lora": SimpleUploadedFile("mika.safetensors", content)}
    )

    (error,) = answer.context["adminform"].form.errors.as_data()["lora"]
    assert error.code == code
    assert len(error.message) < 400
    ours.character.refresh_from_db()
    assert not ours.character.lora
    assert ours.character.lora_facts == {}


def test_the_numbers_are_told_when_no_model_fits(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", as_file(sdxl_lora()))

    page = text(as_root.post(url, filled(as_root, url) | {"lora": upload}))

    assert "made for Stable Diffusion XL" in page
    assert "Toon 0 of 1 modules" in page


@pytest.mark.parametrize("lora", [peft_lora, kohya_lora])
def test_a_lora_that_fits_is_shown_with_its_rank(
    lora: Callable[[int], dict[str, np.ndarray]], as_root: Client, ours: SimpleNamespace
) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", as_file(lora(16)))

    answer = as_root.post(url, filled(as_root, url) | {"lora": upload}, follow=True)

    assert "lora_fits_partly" not in told(answer)
    ours.character.refresh_from_db()
    facts = ours.character.lora_facts
    assert (facts["rank"], facts["algorithm"]) == ("16", "LoRA")
    assert [(row["slug"], row["fits"], row["modules"]) for row in facts["models"]] == [
        ("toon", modules(), modules())
    ]
    assert f"Fits Toon: {modules()} of {modules()} modules, rank 16." in text(as_root.get(url))


def test_a_lora_that_fits_partly_is_taken_with_a_warning(
    as_root: Client, ours: SimpleNamespace
) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", as_file(other_names(peft_lora(), 6)))

    answer = as_root.post(url, filled(as_root, url) | {"lora": upload}, follow=True)

    assert "lora_fits_partly" in told(answer)
    assert f"Fits Toon only partly: 6 of {modules()} modules, rank 4." in text(as_root.get(url))


def test_a_lora_of_a_large_upload_is_read_where_it_is_spooled(
    as_root: Client, ours: SimpleNamespace, settings: Any
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    url = address(Character, "change", ours.character.pk)
    content = as_file(peft_lora())

    as_root.post(
        url, filled(as_root, url) | {"lora": SimpleUploadedFile("mika.safetensors", content)}
    )

    ours.character.refresh_from_db()
    assert ours.character.lora.read() == content
    assert ours.character.lora_facts["rank"] == "4"


def test_a_lora_that_is_stored_stays_when_its_model_is_gone(
    as_root: Client, ours: SimpleNamespace, tmp_path: Path
) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = SimpleUploadedFile("mika.safetensors", LORA)
    as_root.post(url, filled(as_root, url) | {"lora": upload})
    ModelCard.objects.update(folder=str(tmp_path))

    answer = as_root.post(url, filled(as_root, url) | {"name": "Mika the second"})

    assert answer.status_code == 302
    ours.character.refresh_from_db()
    assert ours.character.name == "Mika the second"
    assert ours.character.lora_facts["models"]


def test_missing_lora_file_is_an_error(as_root: Client, ours: SimpleNamespace) -> None:
    Character.objects.update(lora="loras/gone.safetensors", lora_sha256="0" * 64)
    url = address(Character, "change", ours.character.pk)
    assert "The stored file is gone" in text(as_root.post(url, filled(as_root, url)))
