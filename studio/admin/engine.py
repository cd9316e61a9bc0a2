"""What renders: devices and models."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from generation.errors import SpecError
from generation.models import Device, ModelCard
from generation.pipelines.registry import families as known_families
from generation.specs import SIZE_MULTIPLE
from generation.states import Work
from studio.accounts.person_request import PersonRequest
from studio.admin.display import NOTHING, badge, short_hash
from studio.admin.fields import SchedulerField
from studio.production import devices

KNOWN_BY_WORKER = (
    "kind",
    "label",
    "memory",
    "resident_models",
    "hostname",
    "pid",
    "started_at",
    "heartbeat_at",
)
RULES = ("pause", "works", "families", "largest_size")
DEVICE_ICONS = {"online": "●", "paused": "‖", "away": "○"}


class DeviceForm(forms.ModelForm):
    """Which work may go to a device."""

    works = forms.MultipleChoiceField(
        label="Work",
        choices=[(work.value, work.label) for work in Work],
        widget=forms.CheckboxSelectMultiple,
        help_text="Which work may go here. For instance: videos and interpolation on one card, "
        "images, upscaling and draft images on the other.",
    )
    families = forms.MultipleChoiceField(
        label="Model families",
        choices=[(family.name, family.label) for family in known_families().values()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Which models it may load; none marked: all.",
    )


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    """The GPUs. Workers write what they are; people say which work may go where, and pause them."""

    form = DeviceForm
    list_display = ["name", "kind", "label", "state_badge", "takes", "resident_models", "pause"]
    list_editable = ["pause"]
    search_fields = ["name", "label", "hostname"]
    fields = ["name", "state_badge", *RULES, *KNOWN_BY_WORKER]
    readonly_fields = ["name", "state_badge", *KNOWN_BY_WORKER]

    actions = ["calibrate"]

    @admin.action(description="Calibrate", permissions=["change"])
    def calibrate(self, request: PersonRequest, queryset: QuerySet[Device]) -> None:
        """Let devices find out how fast they are."""
        for device in queryset:
            try:
                takes = devices.calibrate(request.forecaster, device, request.user)
            except SpecError as problem:
                self.message_user(request, problem.sentence, messages.WARNING)
            else:
                self.message_user(request, f"{device.name} renders {len(takes)} small takes.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a worker that starts registers its device."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only devices whose worker is away; the others would be back at the next heartbeat."""
        gone = not isinstance(obj, Device) or not obj.is_online
        return gone and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Device, form: forms.ModelForm, change: bool
    ) -> None:
        """Only what people decide: the worker may have written its heartbeat meanwhile."""
        obj.save(update_fields=[name for name in RULES if name in form.fields])
        devices.tell(obj)

    @admin.display(description="State")
    def state_badge(self, device: Device) -> SafeString:
        """Away, paused or online."""
        return badge(device.state, DEVICE_ICONS[device.state], device.state.capitalize())

    @admin.display(description="Loaded models")
    def resident_models(self, device: Device) -> str:
        """The models that need no loading."""
        return ", ".join(device.resident) or NOTHING

    @admin.display(description="Memory", ordering="memory_bytes")
    def memory(self, device: Device) -> str:
        """The device's memory, and how much of it no other program uses."""
        whole = filesizeformat(device.memory_bytes)
        if device.free_now is None:
            return whole
        return f"{whole}, {filesizeformat(device.free_now)} of it unused by other programs"

    @admin.display(description="Work")
    def takes(self, device: Device) -> str:
        """Which work may go there."""
        return ", ".join(device.work_labels) or NOTHING


class ModelCardForm(forms.ModelForm):
    """A model's usual settings, which must lie within its own limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scheduler" in self.fields:
            self.fields["scheduler"] = SchedulerField(
                own="The one of the model's folder", present=self.instance.scheduler
            )

    def clean(self) -> dict[str, Any] | None:
        """Raises ValidationError for settings that no render could have."""
        cleaned = super().clean() or self.cleaned_data
        low, high = cleaned.get("min_size"), cleaned.get("max_size")
        if low is None or high is None:
            return cleaned
        for name in ("width", "height"):
            pixels = cleaned.get(name)
            if pixels is not None and (not low <= pixels <= high or pixels % SIZE_MULTIPLE):
                self.add_error(
                    name, f"Allowed: multiples of {SIZE_MULTIPLE} from {low} to {high} pixels."
                )
        steps = [cleaned.get(f"{quality}_steps") or 0 for quality in ("draft", "standard", "final")]
        if all(steps) and steps != sorted(steps):
            self.add_error("standard_steps", "A better quality never has fewer steps.")
        return cleaned


@admin.register(ModelCard)
class ModelCardAdmin(admin.ModelAdmin):
    """How a model likes to be used. Which weights it has is read from its folder."""

    form = ModelCardForm
    list_display = ["name", "slug", "family", "size", "makes", "is_active", "default"]
    list_filter = ["family", "is_active"]
    search_fields = ["name", "slug", "description"]
    actions = ["set_as_default"]
    readonly_fields = ["slug", "family", "folder", "content", "makes", "default", "base"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "licence", "is_active", "default"]}),
        ("Sizes", {"fields": [("width", "height"), ("min_size", "max_size")]}),
        ("Clips", {"fields": [("frames", "fps"), ("context_frames", "max_frames"), "base"]}),
        (
            "Settings",
            {
                "fields": [
                    "guidance",
                    "scheduler",
                    ("draft_steps", "standard_steps", "final_steps"),
                    "max_subjects",
                ]
            },
        ),
        ("Weights", {"fields": ["family", "makes", "folder", "content"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: `manage.py register_model` reads the folder and writes the card."""
        return False

    @admin.action(description="Set as default", permissions=["change"])
    def set_as_default(self, request: HttpRequest, queryset: QuerySet[ModelCard]) -> None:
        """The model for requests that name none; there is one for each medium."""
        cards = list(queryset[:2])
        if len(cards) != 1 or not cards[0].is_active:
            self.message_user(request, "Choose one model that is active.", messages.ERROR)
            return
        card = cards[0]
        with transaction.atomic():
            for other in ModelCard.objects.make_default(card):
                self.log_change(request, other, "No longer the default.")
            if not card.is_default:
                self.log_change(request, card, "Set as default.")
        self.message_user(request, f"{card} is used when nobody names a model.")

    @admin.display(description="Usual size")
    def size(self, card: ModelCard) -> str:
        """Width and height in pixels."""
        return f"{card.width}×{card.height}"

    @admin.display(description="Makes")
    def makes(self, card: ModelCard) -> str:
        """The types of render it can make."""
        return ", ".join(card.types) or NOTHING

    @admin.display(description="SHA-256 of the weights")
    def content(self, card: ModelCard) -> str:
        """The hash of the weights, shortened."""
        return short_hash(card.weights_hash)

    @admin.display(description="Default", ordering="is_default", boolean=True)
    def default(self, card: ModelCard) -> bool:
        """Changed by the list's action, which never leaves two."""
        return card.is_default
