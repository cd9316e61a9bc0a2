"""The admin site, asked by a real client: every page, every upload, every action, every limit."""

import io
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.fields.files import FieldFile
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from safetensors.numpy import save as safetensors

from generation import jobs
from generation.errors import OutOfMemory
from generation.media.files import store_picture
from generation.models import Attempt, Device, Job, JobEvent, ModelCard, Output
from generation.states import Priority, Stage, Status
from studio import rendering
from studio.models import (
    ApiToken,
    Character,
    Membership,
    Project,
    Reference,
    Review,
    Role,
    Sequence,
    Shot,
    Style,
    Take,
)

READ_ONLY = [Take, Review, Job, JobEvent, Attempt, Output]
LORA = safetensors({"unet.lora_A.weight": np.zeros((2, 2), np.float32)})
LISTS = [model for model in admin.site._registry if model._meta.app_label != "admin"]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="root")


@pytest.fixture
def lead(project: Project) -> User:
    person = User.objects.create_user("lead", password="lead", is_staff=True)
    Membership.objects.create(project=project, user=person, role=Role.ADMIN)
    return person


@pytest.fixture
def as_root(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


def production(project: Project, artist: User, device: Device, name: str) -> SimpleNamespace:
    """A project with one of everything, rendered."""
    sequence = Sequence.objects.create(project=project, slug="opening", name=f"{name} opening")
    shot = Shot.objects.create(
        project=project, sequence=sequence, slug="sh020", name=f"{name} shot"
    )
    character = Character.objects.create(
        project=project, slug=name, name=name.title(), look="1girl, bob silver hair"
    )
    reference = Reference.objects.create(character=character, picture=webp(), caption="front")
    style = Style.objects.create(project=project, slug=f"{name}-ink", name=f"{name} ink")
    request = rendering.RenderRequest(prompt="smiling", character=character, style=style, shot=shot)
    take, _ = rendering.submit(request, artist)
    attempt = jobs.start(take.job, device)
    assert attempt is not None
    picture = Image.new("RGB", (64, 64), "pink")
    stored = store_picture(picture, {}, job_id=take.job.pk, attempt=1, day=timezone.now().date())
    jobs.complete(attempt, [stored], {Stage.DENOISE: jobs.Timing(1.5, [0.5, 1.0])})
    review = Review.objects.create(take=take, requested_by=artist)
    return SimpleNamespace(
        project=project,
        sequence=sequence,
        shot=shot,
        character=character,
        reference=reference,
        style=style,
        take=take,
        job=take.job,
        attempt=attempt,
        output=take.job.outputs.get(),
        review=review,
    )


@pytest.fixture
def ours(project: Project, artist: User, toon: ModelCard, device: Device) -> SimpleNamespace:
    """A production of the project whose lead is `lead`."""
    return production(project, artist, device, "mika")


@pytest.fixture
def theirs(stranger: User, toon: ModelCard, device: Device) -> SimpleNamespace:
    """A production that `lead` has nothing to do with."""
    project = Project.objects.create(slug="elsewhere", name="Elsewhere")
    Membership.objects.create(project=project, user=stranger, role=Role.ARTIST)
    return production(project, stranger, device, "rival")


def picture_file(
    size: tuple[int, int] = (40, 30), kind: str = "PNG", mode: str = "RGB"
) -> SimpleUploadedFile:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind)
    return SimpleUploadedFile(f"mika.{kind.lower()}", stream.getvalue())


def webp() -> ContentFile:
    return ContentFile(picture_file(kind="WEBP").read(), "reference.webp")


def address(model: Any, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def filled(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send back from a form page that nobody changed."""
    context = client.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value is None or value is False or isinstance(value, FieldFile):
                continue
            data[form.add_prefix(name)] = value
    return data


def act(client: Client, model: Any, action: str, *rows: Any) -> HttpResponse:
    """Run a bulk action on rows of a list."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address(model), chosen, follow=True)


def text(response: Any) -> str:
    return response.content.decode()


class TestPages:
    @pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
    def test_every_list_answers(self, as_root: Client, ours: SimpleNamespace, model: Any) -> None:
        ApiToken.issue(User.objects.get(username="artist"), "script")
        assert as_root.get(address(model)).status_code == 200
        assert as_root.get(address(model), {"q": "mika"}).status_code == 200

    @pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
    def test_every_form_answers(self, as_root: Client, ours: SimpleNamespace, model: Any) -> None:
        ApiToken.issue(User.objects.get(username="artist"), "script")
        for row in model.objects.all()[:3]:
            assert as_root.get(address(model, "change", row.pk)).status_code == 200
            assert as_root.get(address(model, "history", row.pk)).status_code == 200

    @pytest.mark.parametrize("model", [Project, Shot, Character, Style, User])
    def test_add_pages_answer(self, as_root: Client, toon: ModelCard, model: Any) -> None:
        assert as_root.get(address(model, "add")).status_code == 200

    @pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
    def test_history_is_not_to_be_falsified(
        self, as_root: Client, ours: SimpleNamespace, model: Any
    ) -> None:
        row = model.objects.first()
        assert as_root.get(address(model, "add")).status_code == 403
        assert as_root.post(address(model, "change", row.pk), {}).status_code == 403
        assert as_root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert model.objects.filter(pk=row.pk).exists()

    def test_index_and_login_carry_the_studio_look(self, as_root: Client) -> None:
        index = as_root.get(reverse("admin:index"))
        as_root.logout()
        login = as_root.get(reverse("admin:login"))
        for page in (index, login):
            assert "css/admin.css" in text(page)
            assert "Genga" in text(page)
            # The CSP forbids them, and the second theme would fight with the tokens.
            assert "style=" not in text(page)
            assert "theme.js" not in text(page)

    def test_pages_obey_the_content_security_policy(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        for page in (
            address(Character),
            address(Character, "change", ours.character.pk),
            address(Style, "add"),
            address(Job, "change", ours.job.pk),
        ):
            answer = as_root.get(page)
            assert "default-src 'self'" in answer["Content-Security-Policy"]
            assert "style=" not in text(answer)
            assert "<style" not in text(answer)
            assert "onclick=" not in text(answer)
            assert "<script>" not in text(answer)

    def test_lists_need_no_query_per_row(self, as_root: Client, ours: SimpleNamespace) -> None:
        def queries(model: Any) -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                as_root.get(address(model))
            return len(captured)

        lists = [Character, Style, Shot]
        before = [queries(model) for model in lists]
        for number in range(5):
            slug = f"extra-{number}"
            Character.objects.create(project=ours.project, slug=slug, name=slug, look="1boy")
            Style.objects.create(project=ours.project, slug=slug, name=slug)
            Shot.objects.create(project=ours.project, slug=slug, name=slug)
        assert [queries(model) for model in lists] == before

    @pytest.mark.parametrize(
        ("model", "query"),
        [
            (Character, "project__id__exact"),
            (Style, "project__id__exact"),
            (Shot, "project__id__exact"),
            (Take, "shot__project__id__exact"),
            (Review, "take__shot__project__id__exact"),
        ],
    )
    def test_lists_can_be_filtered_by_project(
        self,
        as_root: Client,
        ours: SimpleNamespace,
        theirs: SimpleNamespace,
        model: Any,
        query: str,
    ) -> None:
        page = as_root.get(address(model), {query: ours.project.pk})
        assert page.context["cl"].result_count == 1

    def test_jobs_are_found_by_prompt_and_by_id(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        for words in ("silver hair", str(ours.job.pk)):
            assert as_root.get(address(Job), {"q": words}).context["cl"].result_count == 1
        assert as_root.get(address(Job), {"q": "green"}).context["cl"].result_count == 0


class TestCharacters:
    def test_list_leads_to_the_render_page(self, as_root: Client, ours: SimpleNamespace) -> None:
        page = text(as_root.get(address(Character)))
        assert f'src="/references/{ours.reference.pk}/"' in page
        assert 'href="/render/?character=mika"' in page
        assert "/render/?character=mika" in text(
            as_root.get(address(Character, "change", ours.character.pk))
        )

    def test_reference_is_kept_re_encoded(self, as_root: Client, ours: SimpleNamespace) -> None:
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
            (picture_file(kind="GIF"), "PNG, JPEG and WebP are taken"),
        ],
        ids=["50 megapixels", "broken", "no picture", "another format"],
    )
    def test_bad_reference_is_refused_with_a_sentence(
        self, as_root: Client, ours: SimpleNamespace, upload: SimpleUploadedFile, sentence: str
    ) -> None:
        url = address(Character, "change", ours.character.pk)
        upload.seek(0)
        answer = as_root.post(url, filled(as_root, url) | {"references-1-picture": upload})
        assert answer.status_code == 200
        assert sentence in text(answer)
        assert ours.character.references.count() == 1

    def test_deleted_reference_takes_its_picture_along(
        self,
        as_root: Client,
        ours: SimpleNamespace,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        url = address(Character, "change", ours.character.pk)
        picture = ours.reference.picture
        with django_capture_on_commit_callbacks(execute=True):
            as_root.post(url, filled(as_root, url) | {"references-0-DELETE": "on"})
        assert not ours.character.references.exists()
        assert not picture.storage.exists(picture.name)

    def test_deleted_character_takes_its_pictures_along(
        self,
        as_root: Client,
        ours: SimpleNamespace,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        picture = ours.reference.picture
        with django_capture_on_commit_callbacks(execute=True):
            as_root.post(address(Character, "delete", ours.character.pk), {"post": "yes"})
        assert not Character.objects.exists()
        assert not picture.storage.exists(picture.name)
        assert Take.objects.get().character is None

    def test_several_deleted_at_once_leave_no_picture(
        self,
        as_root: Client,
        ours: SimpleNamespace,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        picture = ours.reference.picture
        chosen = {"action": "delete_selected", "_selected_action": [ours.character.pk]}
        with django_capture_on_commit_callbacks(execute=True):
            as_root.post(address(Character), chosen | {"post": "yes"})
        assert not Character.objects.exists()
        assert not picture.storage.exists(picture.name)

    def test_lora_is_optional_and_its_hash_is_kept(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        url = address(Character, "change", ours.character.pk)
        assert as_root.post(url, filled(as_root, url)).status_code == 302
        upload = SimpleUploadedFile("mika.safetensors", LORA)
        assert as_root.post(url, filled(as_root, url) | {"lora": upload}).status_code == 302
        ours.character.refresh_from_db()
        digest = ours.character.lora_sha256
        assert len(digest) == 64
        assert ours.character.lora.read() == LORA
        # Saving the form again without a file changes neither.
        assert as_root.post(url, filled(as_root, url)).status_code == 302
        ours.character.refresh_from_db()
        assert ours.character.lora_sha256 == digest
        page = text(as_root.get(url))
        assert digest in page
        assert ours.character.lora.name in page

    def test_lora_can_be_removed(self, as_root: Client, ours: SimpleNamespace) -> None:
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
        self, as_root: Client, ours: SimpleNamespace, content: bytes, sentence: str
    ) -> None:
        url = address(Character, "change", ours.character.pk)
        upload = SimpleUploadedFile("mika.safetensors", content)
        answer = as_root.post(url, filled(as_root, url) | {"lora": upload})
        assert sentence in text(answer)
        ours.character.refresh_from_db()
        assert not ours.character.lora

    def test_lora_that_is_gone_is_told(self, as_root: Client, ours: SimpleNamespace) -> None:
        Character.objects.update(lora="loras/gone.safetensors", lora_sha256="0" * 64)
        url = address(Character, "change", ours.character.pk)
        assert "The stored file is gone" in text(as_root.post(url, filled(as_root, url)))

    def test_new_character_with_its_first_reference(
        self, as_root: Client, project: Project
    ) -> None:
        data = filled(as_root, address(Character, "add")) | {
            "project": project.pk,
            "name": "Sora",
            "slug": "sora",
            "look": "1boy, short black hair",
            "references-0-picture": picture_file(),
        }
        assert as_root.post(address(Character, "add"), data).status_code == 302
        assert Character.objects.get(slug="sora").references.count() == 1

    @pytest.mark.parametrize("model", [Character, Style])
    def test_switched_off_and_on_in_bulk(
        self, as_root: Client, ours: SimpleNamespace, model: Any
    ) -> None:
        row = model.objects.get()
        assert "1 deactivated." in text(act(as_root, model, "deactivate", row))
        assert not model.objects.get().is_active
        assert "1 activated." in text(act(as_root, model, "activate", row))
        assert model.objects.get().is_active


class TestStyles:
    def test_newest_picture_and_the_way_to_try_it(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        for page in (address(Style), address(Style, "change", ours.style.pk)):
            shown = text(as_root.get(page))
            assert f'src="/outputs/{ours.output.pk}/thumbnail/"' in shown
            assert 'href="/render/?style=mika-ink"' in shown

    def test_own_preview_comes_first(self, as_root: Client, ours: SimpleNamespace) -> None:
        ours.style.preview.save("ink.webp", webp())
        url = reverse("admin:studio_style_preview", args=[ours.style.pk])
        assert f'src="{url}"' in text(as_root.get(address(Style)))
        assert as_root.get(url).status_code == 200
        ours.style.preview.storage.delete(ours.style.preview.name)
        assert as_root.get(url).status_code == 404

    def test_duplicate_is_off_and_has_names_of_its_own(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        act(as_root, Style, "duplicate", ours.style)
        act(as_root, Style, "duplicate", ours.style)
        copies = Style.objects.exclude(pk=ours.style.pk).order_by("slug")
        assert [copy.slug for copy in copies] == ["mika-ink-copy", "mika-ink-copy-2"]
        assert not any(copy.is_active for copy in copies)
        assert copies[0].template == ours.style.template

    def test_settings_are_told_in_words(self, as_root: Client, ours: SimpleNamespace) -> None:
        Style.objects.update(guidance=3.5, steps=30, scheduler="EulerDiscreteScheduler")
        page = text(as_root.get(address(Style)))
        assert "guidance 3.5, scheduler EulerDiscreteScheduler, 30 steps" in page

    def test_template_without_prompt_is_refused(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        url = address(Style, "change", ours.style.pk)
        answer = as_root.post(url, filled(as_root, url) | {"template": "ink"})
        assert "must hold {prompt} exactly once" in text(answer)

    def test_scheduler_that_does_not_exist_is_refused(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        url = address(Style, "change", ours.style.pk)
        answer = as_root.post(url, filled(as_root, url) | {"scheduler": "FastestScheduler"})
        assert "is not one of the available choices" in text(answer)
        # One that was set otherwise is not lost by saving the form.
        Style.objects.update(scheduler="SASolverScheduler")
        assert as_root.post(url, filled(as_root, url)).status_code == 302
        assert Style.objects.get().scheduler == "SASolverScheduler"


class TestProjects:
    def test_people_and_sequences_are_changed_with_the_project(
        self, as_root: Client, ours: SimpleNamespace, stranger: User
    ) -> None:
        url = address(Project, "change", ours.project.pk)
        data = filled(as_root, url) | {
            "memberships-TOTAL_FORMS": 3,
            "memberships-2-project": ours.project.pk,
            "memberships-2-user": stranger.pk,
            "memberships-2-role": Role.REVIEWER,
            "sequences-0-name": "Prologue",
        }
        assert as_root.post(url, data).status_code == 302
        assert Membership.objects.get(user=stranger).role == Role.REVIEWER
        assert Sequence.objects.get().name == "Prologue"

    def test_shots_are_put_in_order_in_the_list(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        data = {
            "form-TOTAL_FORMS": 1,
            "form-INITIAL_FORMS": 1,
            "form-0-id": ours.shot.pk,
            "form-0-order": 7,
            "_save": "Save",
        }
        assert as_root.post(address(Shot), data).status_code == 302
        ours.shot.refresh_from_db()
        assert ours.shot.order == 7

    def test_sequence_of_another_project_is_refused(
        self, as_root: Client, ours: SimpleNamespace, theirs: SimpleNamespace
    ) -> None:
        url = address(Shot, "change", ours.shot.pk)
        answer = as_root.post(url, filled(as_root, url) | {"sequence": theirs.sequence.pk})
        assert "rival opening belongs to Elsewhere." in text(answer)

    def test_what_has_takes_cannot_be_deleted(self, as_root: Client, ours: SimpleNamespace) -> None:
        for row in (ours.shot, ours.project):
            url = address(type(row), "delete", row.pk)
            assert as_root.post(url, {"post": "yes"}).status_code == 403
        assert Take.objects.exists()


class TestQueue:
    def test_cancel(
        self, as_root: Client, submit: Callable[..., Job], ours: SimpleNamespace
    ) -> None:
        waiting = submit()
        answer = text(act(as_root, Job, "cancel", waiting, ours.job))
        assert "Cancelled: 1. 1 left as they were" in answer
        waiting.refresh_from_db()
        assert waiting.status == Status.CANCELLED
        assert [event.kind for event in waiting.events.all()] == ["job.queued", "job.cancelled"]

    def test_running_job_is_asked_to_stop(
        self, as_root: Client, submit: Callable[..., Job], device: Device
    ) -> None:
        running = submit()
        jobs.start(running, device)
        act(as_root, Job, "cancel", running)
        running.refresh_from_db()
        assert running.is_cancelling
        assert "Cancelling" in text(as_root.get(address(Job)))

    def test_retry(self, as_root: Client, submit: Callable[..., Job], device: Device) -> None:
        failed = submit()
        attempt = jobs.start(failed, device)
        assert attempt is not None
        jobs.fail(attempt, OutOfMemory("too large"), {})
        assert "Waiting again: 1." in text(act(as_root, Job, "retry", failed))
        failed.refresh_from_db()
        assert failed.status == Status.QUEUED

    def test_priority(self, as_root: Client, submit: Callable[..., Job]) -> None:
        job = submit()
        assert "Priority urgent: 1." in text(act(as_root, Job, "priority_urgent", job))
        job.refresh_from_db()
        assert job.priority == Priority.URGENT
        assert job.events.last().kind == "job.priority_changed"
        again = text(act(as_root, Job, "priority_urgent", job))
        assert "Priority urgent: 0. 1 left as they were" in again

    def test_page_tells_the_whole_story(self, as_root: Client, ours: SimpleNamespace) -> None:
        page = text(as_root.get(address(Job, "change", ours.job.pk)))
        for words in ("1girl, bob silver hair, smiling", "guidance 4, seed", "Joined the queue"):
            assert words in page
        assert address(Attempt, "change", ours.attempt.pk) in page

    def test_event_of_another_version_keeps_its_name(
        self, as_root: Client, ours: SimpleNamespace
    ) -> None:
        JobEvent.objects.create(job=ours.job, sequence=9, kind="job.dreamt")
        assert "job.dreamt" in text(as_root.get(address(JobEvent)))


class TestEngine:
    def test_pausing_a_device_keeps_what_its_worker_wrote(
        self, as_root: Client, device: Device, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard = timezone.now() + timedelta(seconds=5)
        full_clean = Device.full_clean

        def heartbeat_meanwhile(row: Device, *args: Any, **kwargs: Any) -> None:
            Device.objects.filter(pk=row.pk).update(heartbeat_at=heard, resident=["toon"])
            full_clean(row, *args, **kwargs)

        monkeypatch.setattr(Device, "full_clean", heartbeat_meanwhile)
        data = {
            "form-TOTAL_FORMS": 1,
            "form-INITIAL_FORMS": 1,
            "form-0-id": device.pk,
            "form-0-is_paused": "on",
            "_save": "Save",
        }
        assert as_root.post(address(Device), data).status_code == 302
        device.refresh_from_db()
        assert device.is_paused
        assert (device.heartbeat_at, device.resident) == (heard, ["toon"])
        assert "Paused" in text(as_root.get(address(Device)))

    def test_only_a_device_that_is_away_can_be_removed(
        self, as_root: Client, device: Device
    ) -> None:
        url = address(Device, "delete", device.pk)
        assert as_root.post(url, {"post": "yes"}).status_code == 403
        Device.objects.update(heartbeat_at=None)
        assert as_root.post(url, {"post": "yes"}).status_code == 302
        assert not Device.objects.exists()

    def test_there_is_one_default_model(self, as_root: Client, toon: ModelCard) -> None:
        other = ModelCard.objects.create(slug="other", name="Other", family="f", folder="/nowhere")
        answer = text(act(as_root, ModelCard, "set_as_default", other))
        assert "Other is used when nobody names a model." in answer
        assert [card.slug for card in ModelCard.objects.filter(is_default=True)] == ["other"]

    def test_default_must_be_one_active_model(self, as_root: Client, toon: ModelCard) -> None:
        other = ModelCard.objects.create(
            slug="other", name="Other", family="f", folder="/nowhere", is_active=False
        )
        for chosen in ([other], [toon, other]):
            answer = text(act(as_root, ModelCard, "set_as_default", *chosen))
            assert "Choose one model that is active" in answer
        assert ModelCard.objects.get(is_default=True) == toon

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"width": 300}, "Allowed: multiples of 8 from 128 to 256 pixels."),
            ({"height": 130}, "Allowed: multiples of 8 from 128 to 256 pixels."),
            ({"draft_steps": 50}, "A better quality never has fewer steps."),
            ({"min_size": ""}, "This field is required."),
        ],
    )
    def test_settings_no_render_could_have_are_refused(
        self, as_root: Client, toon: ModelCard, change: dict[str, Any], sentence: str
    ) -> None:
        url = address(ModelCard, "change", toon.pk)
        assert sentence in text(as_root.post(url, filled(as_root, url) | change))

    def test_settings_are_changed_and_weights_are_not(
        self, as_root: Client, toon: ModelCard
    ) -> None:
        url = address(ModelCard, "change", toon.pk)
        sent = filled(as_root, url) | {"guidance": 5, "weights_hash": "f", "family": "x"}
        assert as_root.post(url, sent).status_code == 302
        toon.refresh_from_db()
        assert (toon.guidance, toon.family, toon.is_default) == (5, "stable-diffusion", True)
        assert toon.weights_hash == "0" * 64


class TestPeople:
    def test_roles_are_shown_and_changed(
        self, as_root: Client, artist: User, project: Project
    ) -> None:
        assert "Harbour: Artist" in text(as_root.get(address(User)))
        url = address(User, "change", artist.pk)
        page = as_root.get(url)
        assert [i.formset.model for i in page.context["inline_admin_formsets"]] == [Membership]

    def test_token_is_shown_without_its_secret_and_can_be_revoked(
        self, as_root: Client, artist: User
    ) -> None:
        token, secret = ApiToken.issue(artist, "script")
        page = text(as_root.get(address(ApiToken, "change", token.pk)))
        assert token.digest not in page
        assert secret not in page
        assert as_root.get(address(ApiToken, "add")).status_code == 403
        as_root.post(address(ApiToken, "delete", token.pk), {"post": "yes"})
        assert ApiToken.owner_of(secret) is None


class TestLeads:
    """Staff who are no superusers see what belongs to the projects they lead."""

    SCOPED = (Project, Shot, Character, Style, *READ_ONLY)

    @pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
    def test_list_shows_their_projects_only(
        self,
        as_lead: Client,
        ours: SimpleNamespace,
        theirs: SimpleNamespace,
        model: Any,
    ) -> None:
        page = as_lead.get(address(model))
        assert page.status_code == 200
        own = page.context["cl"].queryset
        assert 0 < own.count() < model.objects.count()
        assert "rival" not in text(page).lower()
        assert "Elsewhere" not in text(page)

    @pytest.mark.parametrize(
        "name",
        ["project", "shot", "character", "style", "take", "review", "job", "attempt", "output"],
    )
    def test_form_opens_for_their_projects_only(
        self, as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace, name: str
    ) -> None:
        own, other = getattr(ours, name), getattr(theirs, name)
        assert as_lead.get(address(type(own), "change", own.pk)).status_code == 200
        # Django's admin sends people back to the index for what they cannot see.
        for page in ("change", "history"):
            assert as_lead.get(address(type(own), page, other.pk)).status_code == 302
        assert as_lead.post(address(type(own), "delete", other.pk)).status_code in (302, 403)
        assert type(own).objects.filter(pk=other.pk).exists()

    def test_actions_reach_their_projects_only(
        self, as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
    ) -> None:
        act(as_lead, Character, "deactivate", ours.character, theirs.character)
        theirs.character.refresh_from_db()
        ours.character.refresh_from_db()
        assert (ours.character.is_active, theirs.character.is_active) == (False, True)
        waiting, _ = rendering.submit(
            rendering.RenderRequest(prompt="sad", shot=theirs.shot), theirs.job.owner
        )
        act(as_lead, Job, "cancel", waiting.job)
        waiting.job.refresh_from_db()
        assert waiting.job.status == Status.QUEUED

    def test_nothing_is_moved_to_other_projects(
        self, as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
    ) -> None:
        for row in (ours.character, ours.shot, ours.style):
            url = address(type(row), "change", row.pk)
            answer = as_lead.post(url, filled(as_lead, url) | {"project": theirs.project.pk})
            assert "Select a valid choice" in text(answer)

    def test_styles_for_everybody_are_not_theirs_to_make(
        self, as_lead: Client, ours: SimpleNamespace
    ) -> None:
        shared = Style.objects.create(slug="plain", name="Plain")
        assert as_lead.get(address(Style, "change", shared.pk)).status_code == 302
        url = address(Style, "change", ours.style.pk)
        answer = as_lead.post(url, filled(as_lead, url) | {"project": ""})
        assert "This field is required" in text(answer)

    def test_picture_of_a_style_comes_from_their_project(
        self, as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
    ) -> None:
        Take.objects.filter(pk=ours.take.pk).update(style=None)
        Take.objects.filter(pk=theirs.take.pk).update(style=ours.style)
        assert str(theirs.output.pk) not in text(as_lead.get(address(Style)))
        theirs.style.preview.save("ink.webp", webp())
        url = reverse("admin:studio_style_preview", args=[theirs.style.pk])
        assert as_lead.get(url).status_code == 404

    def test_projects_are_started_and_ended_by_superusers(
        self, as_lead: Client, project: Project
    ) -> None:
        assert as_lead.get(address(Project, "add")).status_code == 403
        assert as_lead.get(address(Project, "delete", project.pk)).status_code == 403

    @pytest.mark.parametrize("model", [User, ApiToken, Device, ModelCard])
    def test_people_tokens_devices_and_models_are_not_theirs(
        self, as_lead: Client, toon: ModelCard, device: Device, model: Any
    ) -> None:
        assert as_lead.get(address(model)).status_code == 403

    def test_staff_who_lead_nothing_see_nothing(
        self, client: Client, ours: SimpleNamespace, reviewer: User
    ) -> None:
        User.objects.filter(pk=reviewer.pk).update(is_staff=True)
        client.force_login(reviewer)
        assert client.get(reverse("admin:index")).status_code == 200
        for model in self.SCOPED:
            assert client.get(address(model)).status_code == 403

    def test_members_who_are_no_staff_stay_outside(self, client: Client, artist: User) -> None:
        client.force_login(artist)
        assert client.get(reverse("admin:index")).status_code == 302
