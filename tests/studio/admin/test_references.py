"""A character's reference pictures: re-encoded, refused, deleted."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from studio.admin.sentences import FIRST_FRAME_KEPT
from studio.models import Character, Project, Take
from tests.studio.admin.asking import address, filled, picture_file, text, told


def test_reference_is_kept_re_encoded(as_root: Client, ours: SimpleNamespace) -> None:
    url = address(Character, "change", ours.character.pk)
    upload = picture_file((2000, 1000), "JPEG")
    data = filled(as_root, url) | {
        "references-1-picture": upload,
        "references-1-caption": "side",
    }
    assert as_root.post(url, data).status_code == 302
    stored = ours.character.references.get(caption="side")
    assert Image.open(stored.picture).format == "WEBP"
    assert Image.open(stored.picture).size == (1536, 768)
    assert stored.picture.name.startswith(f"references/{ours.character.pk}/")


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        (picture_file((10_000, 5_000), mode="1"), "The picture has 50 megapixels"),
        (SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\nbroken"), "The file is broken"),
        (SimpleUploadedFile("a.png", b"#!/bin/sh"), "The file is broken or no picture"),
        (picture_file(kind="GIF"), "This is a GIF picture. Allowed: PNG, JPEG, WebP."),
    ],
    ids=["50 megapixels", "broken", "no picture", "another format"],
)
def test_bad_reference_is_refused_with_a_sentence(
    as_root: Client, ours: SimpleNamespace, upload: SimpleUploadedFile, sentence: str
) -> None:
    url = address(Character, "change", ours.character.pk)
    upload.seek(0)
    answer = as_root.post(url, filled(as_root, url) | {"references-1-picture": upload})
    assert answer.status_code == 200
    assert sentence in text(answer)
    assert ours.character.references.count() == 1


def test_an_animation_as_reference_is_told_to_be_one_picture(
    as_root: Client, ours: SimpleNamespace
) -> None:
    url = address(Character, "change", ours.character.pk)
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    walk = SimpleUploadedFile("walk.png", stream.getvalue())

    answer = as_root.post(url, filled(as_root, url) | {"references-1-picture": walk}, follow=True)

    assert told(answer)[-1] == FIRST_FRAME_KEPT.code
    assert FIRST_FRAME_KEPT.say(name="walk.png", frames=3) in text(answer)
    assert ours.character.references.count() == 2


def test_deleting_a_reference_deletes_its_picture(
    as_root: Client, ours: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    url = address(Character, "change", ours.character.pk)
    picture = ours.reference.picture
    with django_capture_on_commit_callbacks(execute=True):
        as_root.post(url, filled(as_root, url) | {"references-0-DELETE": "on"})
    assert not ours.character.references.exists()
    assert not picture.storage.exists(picture.name)


def test_deleting_a_character_deletes_its_pictures(
    as_root: Client, ours: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    picture = ours.reference.picture
    with django_capture_on_commit_callbacks(execute=True):
        as_root.post(address(Character, "delete", ours.character.pk), {"post": "yes"})
    assert not Character.objects.exists()
    assert not picture.storage.exists(picture.name)
    assert Take.objects.get().character is None


def test_deleting_several_characters_deletes_their_pictures(
    as_root: Client, ours: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    picture = ours.reference.picture
    chosen = {"action": "delete_selected", "_selected_action": [ours.character.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        as_root.post(address(Character), chosen | {"post": "yes"})
    assert not Character.objects.exists()
    assert not picture.storage.exists(picture.name)


def test_deleting_an_unused_project_deletes_the_pictures_of_its_characters(
    as_root: Client, ours: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    ours.character.project = Project.objects.create(slug="unused", name="Unused")
    ours.character.save()
    picture = ours.reference.picture
    with django_capture_on_commit_callbacks(execute=True):
        as_root.post(address(Project, "delete", ours.character.project.pk), {"post": "yes"})
    assert not Character.objects.exists()
    assert not picture.storage.exists(picture.name)
