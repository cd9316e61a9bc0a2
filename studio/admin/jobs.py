"""Jobs, read-only, with the actions that change them."""

from collections.abc import Callable
from dataclasses import replace

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from generation.live.events import EventKind
from generation.models import Attempt, Job, JobEvent, Output
from generation.states import Priority
from studio.admin.display import NOTHING, job_badge, output_picture, short, to_the_second
from studio.admin.permissions import OfProject, ReadOnly
from studio.presentation import durations, flash
from studio.production import bulk_actions
from studio.production.bulk_actions import ACTIONS


class AttemptInline(ReadOnly, OfProject, admin.TabularInline):
    """A job's attempts."""

    model = Attempt
    project_path = "job__take__shot__project"
    fields = ["number", "device_name", "started", "ran", "ended", "stages"]
    readonly_fields = ["started", "ran", "ended", "stages"]

    @admin.display(description="Started")
    def started(self, attempt: Attempt) -> str:
        """When the device claimed the job."""
        return to_the_second(attempt.started_at)

    @admin.display(description="Ran for")
    def ran(self, attempt: Attempt) -> str:
        """Time from the claim to the end."""
        return NOTHING if attempt.run_seconds is None else durations.short(attempt.run_seconds)

    @admin.display(description="Outcome")
    def ended(self, attempt: Attempt) -> str:
        """The outcome in words."""
        return attempt.outcome_label

    @admin.display(description="")
    def stages(self, attempt: Attempt) -> SafeString:
        """A link to the attempt's page."""
        address = reverse("admin:generation_attempt_change", args=[attempt.pk])
        return format_html('<a href="{}">Stages and their seconds</a>', address)


class OutputInline(ReadOnly, OfProject, admin.TabularInline):
    """A job's files."""

    model = Output
    project_path = "job__take__shot__project"
    fields = ["shown", "kind", "width", "height", "bytes", "sha256"]
    readonly_fields = ["shown"]

    @admin.display(description="Picture")
    def shown(self, output: Output) -> SafeString:
        """The thumbnail."""
        return output_picture(output.pk, str(output))


class JobEventInline(ReadOnly, OfProject, admin.TabularInline):
    """A job's history."""

    model = JobEvent
    project_path = "job__take__shot__project"
    verbose_name_plural = "history"
    fields = ["sequence", "moment", "what", "data"]
    readonly_fields = ["moment", "what"]

    @admin.display(description="At")
    def moment(self, event: JobEvent) -> str:
        """When it happened."""
        return to_the_second(event.at)

    @admin.display(description="What happened")
    def what(self, event: JobEvent) -> str:
        """The event in words."""
        return kind_label(event)


def kind_label(event: JobEvent) -> str:
    """An event in words. A kind of another version of Genga is shown by its name."""
    return EventKind(event.kind).label if event.kind in set(EventKind) else event.kind


def priority_action(priority: Priority) -> Callable[..., None]:
    """The bulk action that gives waiting jobs a priority."""

    @admin.action(description=f"Set priority: {priority.label.lower()}")
    def change(model_admin: "JobAdmin", request: HttpRequest, queryset: QuerySet[Job]) -> None:
        model_admin.apply(request, queryset, ACTIONS[priority.word])

    # Django's admin identifies actions by the names of their functions.
    change.__name__ = f"priority_{priority.word}"
    return change


@admin.register(Job)
class JobAdmin(ReadOnly, OfProject, admin.ModelAdmin):
    """All jobs. Actions change them through `generation.queue.requests`."""

    project_path = "take__shot__project"
    list_display = ["shown", "prompt", "priority", "quality", "owner", "device", "submitted_at"]
    list_display_links = ["shown", "prompt"]
    list_filter = [
        "status",
        "priority",
        "quality",
        ("device", admin.RelatedOnlyFieldListFilter),
        ("owner", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["owner", "device"]
    list_per_page = 50
    search_fields = ["=id", "spec_data__prompt", "owner__username"]
    actions = [
        "cancel",
        "retry",
        "hold",
        "release",
        *(priority_action(priority) for priority in Priority),
    ]
    inlines = [OutputInline, AttemptInline, JobEventInline]
    fieldsets = [
        (None, {"fields": ["shown", "id", "owner", "priority", "device"]}),
        ("What is rendered", {"fields": ["prompt", "without", "model", "settings_words"]}),
        ("Times", {"fields": ["submitted_at", "started_at", "finished_at", "estimated"]}),
        ("What went wrong", {"fields": ["error_code", "error_message", "error_hint"]}),
    ]

    def apply(
        self, request: HttpRequest, queryset: QuerySet[Job], action: bulk_actions.Action
    ) -> None:
        """Apply an action to each job, log the jobs that changed, and say what it did."""

        def logged(job: Job) -> bool:
            with transaction.atomic():
                moved = action.change(job)
                if moved:
                    done = action.done.say(jobs="1 job", priority=action.priority)
                    self.log_change(request, job, done)
            return moved

        acted = bulk_actions.act(replace(action, change=logged), queryset)
        said = bulk_actions.told(action, acted)
        (flash.success if acted.moved else flash.warning)(request, *said)

    @admin.action(description="Cancel")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel waiting jobs at once, running ones at their next step."""
        self.apply(request, queryset, ACTIONS["cancel"])

    @admin.action(description="Retry")
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Put failed and cancelled jobs back in the queue."""
        self.apply(request, queryset, ACTIONS["retry"])

    @admin.action(description="Hold")
    def hold(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Hold waiting jobs until somebody releases them."""
        self.apply(request, queryset, ACTIONS["hold"])

    @admin.action(description="Release")
    def release(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Let jobs on hold wait for a device again, in their old place."""
        self.apply(request, queryset, ACTIONS["release"])

    @admin.display(description="Status", ordering="status")
    def shown(self, job: Job) -> SafeString:
        """The job's state."""
        return job_badge(job)

    @admin.display(description="Prompt")
    def prompt(self, job: Job) -> str:
        """The beginning of the prompt."""
        return short(job.spec.prompt, 120)

    @admin.display(description="Negative prompt")
    def without(self, job: Job) -> str:
        """The beginning of the negative prompt."""
        return short(job.spec.negative_prompt, 120)

    @admin.display(description="Estimated at submit")
    def estimated(self, job: Job) -> str:
        """The run time estimated at the submit."""
        return durations.spoken(job.estimated_seconds) if job.estimated_seconds else NOTHING

    @admin.display(description="Settings")
    def settings_words(self, job: Job) -> str:
        """The other settings that decide the picture."""
        spec = job.spec
        loras = [f"LoRA {lora.file} at {lora.scale:g}" for lora in spec.loras]
        words = [
            f"{spec.width}×{spec.height}",
            f"{spec.steps} steps",
            f"guidance {spec.guidance:g}",
            f"seed {spec.seed}",
            spec.scheduler or "the model's own scheduler",
        ]
        return ", ".join(words + loras)
