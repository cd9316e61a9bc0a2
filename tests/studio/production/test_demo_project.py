"""The demo project: there after one call, left alone by every other, in the model's own words."""

import time
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from tokenizers import Tokenizer

from generation.demo import portraits
from generation.library import weights
from generation.library.weights import Content
from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import Character, Membership, Project, Role, Sequence, Shot, Style
from studio.ordering import planner
from studio.ordering.request import RenderRequest
from studio.production import demo_project

LOOK_WORDS = (
    {f"1{person}" for person in portraits.PERSONS}
    | {f"{style} {hair} hair" for style in portraits.HAIR_STYLES for hair in portraits.HAIR_COLOURS}
    | {f"{eyes} eyes" for eyes in portraits.EYE_COLOURS}
)
OTHER_WORDS = (
    set(portraits.EXPRESSIONS)
    | {f"{background} background" for background in portraits.BACKGROUNDS}
    | set(portraits.ACCESSORIES)
    | {f"{style} style" for style in portraits.PICTURE_STYLES}
)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def loaded(db: None) -> Project:
    demo_project.load()
    return Project.objects.get(slug="harbour-lights")


def parts(prompt: str) -> list[str]:
    return [part.strip() for part in prompt.split(",")]


def test_the_production_is_there(loaded: Project) -> None:
    sequences = Sequence.objects.filter(project=loaded)
    assert [sequence.shots.count() for sequence in sequences] == [6, 6]
    first = Shot.objects.filter(project=loaded).first()
    assert first is not None
    assert first.prompt == "1girl, twin tails pink hair, blue eyes, smiling, sunset background"
    assert all(shot.description and shot.prompt for shot in loaded.shots.all())
    assert loaded.characters.count() == 4
    assert {"plain", "pastel", "sepia", "noir", "ink"} == set(
        Style.objects.values_list("slug", flat=True)
    )


@pytest.mark.parametrize("name", ["artist", "reviewer", "admin"])
def test_people_log_in_with_their_names(client: Client, loaded: Project, name: str) -> None:
    assert client.login(username=name, password=name)
    person = User.objects.get(username=name)
    assert person.get_full_name()
    assert person.is_superuser is (name == "admin")
    assert Membership.objects.get(project=loaded, user=person).role == Role(name)


def test_prompts_use_words_that_the_model_knows(loaded: Project) -> None:
    for shot in loaded.shots.all():
        assert set(parts(shot.prompt)) <= LOOK_WORDS | OTHER_WORDS, shot
    for character in loaded.characters.all():
        assert set(parts(character.look)) <= LOOK_WORDS, character
    for style in Style.objects.all():
        assert set(parts(style.template)) <= {"{prompt}"} | OTHER_WORDS, style


def test_shots_for_any_character_leave_the_look_to_them(
    loaded: Project, forecaster: Forecaster
) -> None:
    shots = [shot for shot in loaded.shots.all() if set(parts(shot.prompt)) <= OTHER_WORDS]
    assert len(shots) >= 6
    tokenizer = Tokenizer.from_file(
        str(settings.BASE_DIR / "fixtures/models/toon/tokenizer/tokenizer.json")
    )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for shot in shots:
        for character in Character.objects.all():
            for style in Style.objects.all():
                spec = planner.plan(
                    forecaster,
                    RenderRequest(prompt=shot.prompt, character=character, style=style),
                ).spec
                assert len(set(parts(spec.prompt))) == len(parts(spec.prompt))
                # The text encoder reads 32 tokens; what comes after them is lost.
                assert len(tokenizer.encode(spec.prompt).ids) <= 32


def test_second_call_changes_nothing_that_people_did(loaded: Project) -> None:
    Project.objects.update(name="Our film")
    Shot.objects.filter(slug="sh010").update(prompt="1boy")
    Shot.objects.filter(slug="sh160").delete()
    Style.objects.filter(slug="ink").delete()
    User.objects.filter(username="reviewer").delete()
    ModelCard.objects.update(guidance=9.0, is_default=False)
    admin = User.objects.get(username="admin")
    admin.set_password("a better one")
    admin.save()
    demo_project.load()
    assert Project.objects.get().name == "Our film"
    assert Shot.objects.get(slug="sh010").prompt == "1boy"
    assert not Shot.objects.filter(slug="sh160").exists()
    assert not Style.objects.filter(slug="ink").exists()
    assert not User.objects.filter(username="reviewer").exists()
    assert ModelCard.objects.get(slug="toon").guidance == 9.0
    assert User.objects.get(username="admin").check_password("a better one")


def test_second_call_is_quick(loaded: Project) -> None:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        demo_project.load()
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.3


def test_people_who_are_there_already_keep_password_and_rights(db: None) -> None:
    User.objects.create_user("admin", password="long and secret")
    demo_project.load()
    admin = User.objects.get(username="admin")
    assert admin.check_password("long and secret")
    assert not admin.is_superuser
    assert admin.memberships.get().role == Role.ADMIN


def test_styles_that_are_there_already_stay(db: None) -> None:
    Style.objects.create(slug="ink", name="Our ink", template="{prompt}, brush")
    demo_project.load()
    assert Style.objects.get(slug="ink").template == "{prompt}, brush"


class TestModel:
    def test_card_says_what_its_folder_says(self, loaded: Project) -> None:
        card = ModelCard.objects.get(slug="toon")
        assert (card.name, card.width, card.min_size, card.max_size) == ("Toon", 256, 128, 256)
        assert (card.draft_steps, card.standard_steps, card.final_steps) == (10, 25, 40)
        assert (card.guidance, card.types, card.licence) == (4.0, ["image"], "Apache-2.0")
        assert card.is_default
        assert card.folder == "fixtures/models/toon"

    def test_clips_are_made_by_the_motion_adapter(self, loaded: Project) -> None:
        card = ModelCard.objects.get(slug="toon-motion")
        assert (card.family, card.types, card.base) == (
            "animatediff",
            ["video"],
            ModelCard.objects.get(slug="toon"),
        )
        assert ModelCard.objects.making("video")[0] == card
        assert ModelCard.objects.making("image")[0] == card.base

    def test_new_weights_renew_the_card_and_keep_what_leads_chose(
        self, loaded: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ModelCard.objects.update(guidance=9.0)
        monkeypatch.setattr(weights, "read", lambda folder: Content("f" * 64, {}))
        demo_project.load()
        card = ModelCard.objects.get(slug="toon")
        assert (card.weights_hash, card.guidance) == ("f" * 64, 9.0)

    def test_another_default_is_respected(
        self, loaded: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ModelCard.objects.update(is_default=False)
        ModelCard.objects.create(
            slug="own", name="Own", family="f", folder="/nowhere", is_default=True
        )
        monkeypatch.setattr(weights, "read", lambda folder: Content("f" * 64, {}))
        demo_project.load()
        assert ModelCard.objects.get(is_default=True).slug == "own"


class TestCommand:
    def test_loads_it(self, db: None, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("load_demo")
        told = capsys.readouterr()
        assert "Log in as artist, reviewer or admin." in told.out
        assert told.err == ""
        assert Project.objects.exists()

    def test_production_refuses_unless_forced(self, db: None, settings: Any) -> None:
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"profile": "production"})
        with pytest.raises(CommandError, match="needs no demo people"):
            call_command("load_demo")
        assert not Project.objects.exists()
        call_command("load_demo", "--force")
        assert Project.objects.exists()
        assert demo_project.with_published_passwords() == []

    def test_missing_model_is_told(
        self, db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setattr(demo_project, "FIXTURES", tmp_path)
        with pytest.raises(CommandError, match="There is no folder"):
            call_command("load_demo")
