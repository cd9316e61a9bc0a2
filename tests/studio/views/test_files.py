"""Pictures: by session or by token, for those who may see them, and as what they are."""

from __future__ import annotations

import io
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from generation.models import Output
from studio.models import ApiToken, Character, Project, Shot
from studio.models.cast import Reference
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture
def output(finished: MakeTake) -> Output:
    output = finished().output
    assert output is not None
    return output


def picture_of(response: object) -> Image.Image:
    return Image.open(io.BytesIO(b"".join(response)))  # type: ignore[call-overload]


@pytest.mark.parametrize(("name", "kind"), [("output", "PNG"), ("output-thumbnail", "WEBP")])
def test_a_member_gets_the_picture(
    name: str, kind: str, output: Output, log_in: LogIn, reviewer: User
) -> None:
    response = log_in(reviewer).get(reverse(name, args=[output.pk]))

    assert response.status_code == 200
    assert response["Content-Type"] == f"image/{kind.lower()}"
    assert response["Cache-Control"] == "private, max-age=86400, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    found = picture_of(response)
    assert (found.format, found.size) == (kind, (128, 128))


@pytest.mark.parametrize("name", ["output", "output-thumbnail"])
def test_a_browser_that_has_it_already_is_not_sent_it_again(
    name: str, output: Output, log_in: LogIn, artist: User
) -> None:
    client, address = log_in(artist), reverse(name, args=[output.pk])
    etag = client.get(address)["ETag"]

    assert output.sha256 in etag
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "disposition"),
    [("", "inline"), ("?download", "attachment"), ("?download=1", "attachment")],
)
def test_a_file_has_a_name_that_one_recognises(
    query: str, disposition: str, output: Output, log_in: LogIn, artist: User
) -> None:
    response = log_in(artist).get(reverse("output", args=[output.pk]) + query)

    name = "Harbour_Arrival_take1_draft.png"
    assert response["Content-Disposition"] == f'{disposition}; filename="{name}"'


def test_every_file_is_saved_under_the_names_that_people_gave(
    output: Output, log_in: LogIn, artist: User, shot: Shot
) -> None:
    Project.objects.update(name="港の灯り")
    Shot.objects.update(name="屋上の夕焼け 第3カット")
    mika = Character.objects.create(project=shot.project, slug="ミカ", name="ミカ", look="1girl")
    reference = Reference.objects.create(
        character=mika, picture=ContentFile(b"RIFF", "reference.webp")
    )
    Output.objects.update(strip=output.thumbnail.name, strip_frames=1)
    client = log_in(artist)

    def saved_as(page: str, pk: object) -> str:
        answer = client.get(reverse(page, args=[pk]), {"download": 1})
        kind, _, name = answer["Content-Disposition"].partition("; filename*=utf-8''")
        assert (kind, name.isascii()) == ("attachment", True)
        return unquote(name)

    take = "港の灯り_屋上の夕焼け 第3カット_take1_draft"
    assert saved_as("output", output.pk) == f"{take}.png"
    assert saved_as("output-thumbnail", output.pk) == f"{take}_thumbnail.webp"
    assert saved_as("output-strip", output.pk) == f"{take}_strip.webp"
    assert saved_as("reference", reference.pk) == f"港の灯り_ミカ_reference{reference.pk}.webp"
    reference.picture.storage.delete(reference.picture.name)


def test_without_a_thumbnail_the_picture_itself_comes_under_its_own_type(
    output: Output, log_in: LogIn, artist: User
) -> None:
    Output.objects.update(thumbnail="")
    response = log_in(artist).get(reverse("output-thumbnail", args=[output.pk]))

    assert response["Content-Type"] == "image/png"
    assert picture_of(response).format == "PNG"


@pytest.mark.parametrize(
    ("name", "media_type"), [("output-thumbnail", "application/zip"), ("output-strip", "image/png")]
)
def test_a_file_without_a_small_picture_has_none(
    name: str, media_type: str, output: Output, log_in: LogIn, artist: User
) -> None:
    Output.objects.update(thumbnail="", media_type=media_type)

    assert log_in(artist).get(reverse(name, args=[output.pk])).status_code == 404


@pytest.mark.parametrize("name", ["output", "output-thumbnail", "output-strip"])
def test_a_stranger_gets_nothing(name: str, output: Output, log_in: LogIn, stranger: User) -> None:
    Output.objects.update(strip=output.thumbnail.name, strip_frames=1)
    assert log_in(stranger).get(reverse(name, args=[output.pk])).status_code == 404


@pytest.mark.parametrize("name", ["output", "output-thumbnail", "output-strip"])
def test_a_script_gets_the_pictures_of_its_tokens_owner(
    name: str, output: Output, artist: User, stranger: User
) -> None:
    Output.objects.update(strip=output.thumbnail.name, strip_frames=1)
    address = reverse(name, args=[output.pk])

    def status(user: User) -> int:
        _, secret = ApiToken.issue(user, "script")
        return Client(headers={"Authorization": f"Bearer {secret}"}).get(address).status_code

    assert (status(artist), status(stranger)) == (200, 404)


@pytest.mark.parametrize("name", ["output", "output-thumbnail", "output-strip"])
def test_a_wrong_token_is_refused_even_on_the_open_loopback(name: str, output: Output) -> None:
    client = Client(headers={"Authorization": "Bearer genga_wrong"})
    response = client.get(reverse(name, args=[output.pk]))

    assert response.status_code == 401
    assert "No valid token" in response.content.decode()


@pytest.mark.parametrize("open_", [True, False])
def test_without_a_token_only_the_open_loopback_gets_it(
    open_: bool, output: Output, settings: pytest.FixtureRequest
) -> None:
    settings.GENGA_API_IS_OPEN = open_  # type: ignore[attr-defined]

    response = Client().get(reverse("output", args=[output.pk]))

    assert response.status_code == (200 if open_ else 401)


def test_a_file_that_is_gone_is_told_as_missing(
    output: Output, log_in: LogIn, artist: User
) -> None:
    output.file.storage.delete(output.file.name)

    assert log_in(artist).get(reverse("output", args=[output.pk])).status_code == 404


def test_a_reference_is_sent_to_the_projects_members(
    project: Project, log_in: LogIn, artist: User
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "WEBP")
    mika = Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")
    reference = Reference(character=mika)
    reference.picture.save("mika.webp", ContentFile(stream.getvalue()))

    response = log_in(artist).get(reverse("reference", args=[reference.pk]))

    assert response["Content-Type"] == "image/webp"
    assert picture_of(response).size == (8, 8)
