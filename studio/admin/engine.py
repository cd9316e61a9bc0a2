"""Devices and models."""

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
    """The form of a device: which work it takes."""

    works = forms.MultipleChoiceField(
        label="Work",
        choices=[(work.value, work.label) for work in Work],
        widget=forms.CheckboxSelectMultiple,
        help_text="Work that this device takes. For example: videos and interpolation on one "
        "card, images, upscaling and draft images on the other.",
    )
    families = forms.MultipleChoiceField(
        label="Model families",
        choices=[(family.name, family.label) for family in known_families().values()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Models that this device may load. None selected: all.",
    )


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    """Devices. Workers register and describe them; people set their work, and pause them."""

    form = DeviceForm
    list_display = ["name", "kind", "label", "state_badge", "takes", "resident_models", "pause"]
    list_editable = ["pause"]
    search_fields = ["name", "label", "hostname"]
    fields = ["name", "state_badge", *RULES, *KNOWN_BY_WORKER]
    readonly_fields = ["name", "state_badge", *KNOWN_BY_WORKER]

    actions = ["calibrate"]

    @admin.action(description="Calibrate", permissions=["change"])
    def calibrate(self, request: PersonRequest, queryset: QuerySet[Device]) -> None:
        """Submit the calibration renders of the devices."""
        for device in queryset:
            try:
                takes = devices.calibrate(request.forecaster, device, request.user)
            except SpecError as problem:
                self.message_user(request, problem.sentence, messages.WARNING)
            else:
                self.message_user(request, f"{device.name} renders {len(takes)} small takes.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody, because a worker registers its device when it starts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only for devices that are away; others would come back at the next heartbeat."""
        gone = not isinstance(obj, Device) or not obj.is_online
        return gone and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Device, form: forms.ModelForm, change: bool
    ) -> None:
        """Save only the fields that people set, because the worker writes its heartbeat too."""
        obj.save(update_fields=[name for name in RULES if name in form.fields])
        devices.tell(obj)

    @admin.display(description="State")
    def state_badge(self, device: Device) -> SafeString:
        """Away, paused or online."""
        return badge(device.state, DEVICE_ICONS[device.state], device.state.capitalize())

    @admin.display(description="Loaded models")
    def resident_models(self, device: Device) -> str:
        """The models that are loaded now."""
        return ", ".join(device.resident) or NOTHING

    @admin.display(description="Memory", ordering="memory_bytes")
    def memory(self, device: Device) -> str:
        """The device's memory, and the part that no other program uses."""
        whole = filesizeformat(device.memory_bytes)
        if device.free_now is None:
            return whole
        return f"{whole}, {filesizeformat(device.free_now)} of it unused by other programs"

    @admin.display(description="Work")
    def takes(self, device: Device) -> str:
        """The work that the device takes."""
        return ", ".join(device.work_labels) or NOTHING


class ModelCardForm(forms.ModelForm):
    """A model's usual settings, which must be within its limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scheduler" in self.fields:
            self.fields["scheduler"] = SchedulerField(
                own="The one of the model's folder", present=self.instance.scheduler
            )

    def clean(self) -> dict[str, Any] | None:
        """Add errors for settings that no render could have."""
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
    """A model's usual settings and limits. Its weights are read from its folder."""

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
        """Nobody, because `manage.py register_model` makes the card from the folder."""
        return False

    @admin.action(description="Set as default", permissions=["change"])
    def set_as_default(self, request: HttpRequest, queryset: QuerySet[ModelCard]) -> None:
        """Use the model for requests that name none. There is one default for each media type."""
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
        self.message_user(request, f"{card} is used when a request names no model.")

    @admin.display(description="Usual size")
    def size(self, card: ModelCard) -> str:
        """Width and height in pixels."""
        return f"{card.width}×{card.height}"

    @admin.display(description="Makes")
    def makes(self, card: ModelCard) -> str:
        """The media types that it makes."""
        return ", ".join(card.types) or NOTHING

    @admin.display(description="SHA-256 of the weights")
    def content(self, card: ModelCard) -> str:
        """The hash of the weights, shortened."""
        return short_hash(card.weights_hash)

    @admin.display(description="Default", ordering="is_default", boolean=True)
    def default(self, card: ModelCard) -> bool:
        """True for the default model. The list's action changes it, so that there is only one."""
        return card.is_default
