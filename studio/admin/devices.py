"""The admin pages of devices."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from generation.errors import SpecError
from generation.models import Device, Job
from generation.pipelines.registry import families as known_families
from generation.sentences import Said
from generation.states import Work
from studio.accounts.person_request import PersonRequest
from studio.admin import related
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING, badge
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.sentences import (
    CANCEL_ITS_JOBS,
    DEVICE_HAS_JOBS,
    DEVICE_IS_ONLINE,
    STOP_ITS_WORKER,
)
from studio.presentation import flash
from studio.production import devices
from studio.production.sentences import CALIBRATING

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


class DeviceForm(EditForm):
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
class DeviceAdmin(HeedsOthers, SaysWhatHolds, admin.ModelAdmin):
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
                flash.refused(request, problem)
            else:
                said = CALIBRATING.said(device=device.name, count=len(takes))
                flash.success(request, said)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody, because a worker registers its device when it starts."""
        return False

    def why_not(self, rows: Sequence[Device]) -> dict[Any, Said]:
        """Not while the worker runs, nor while jobs wait that no other device may take."""
        reasons = {}
        for device in rows:
            jobs = Job.objects.active().filter(pinned_to=device).count()
            if device.is_online:
                reasons[device.pk] = DEVICE_IS_ONLINE.said(name=device.name)
            elif jobs:
                things = related.in_words(Counter({Job: jobs}))
                reasons[device.pk] = DEVICE_HAS_JOBS.said(name=device.name, things=things)
        return reasons

    def instead(self, row: Device) -> Said:
        """Stopping its worker, or cancelling what waits for it."""
        return (STOP_ITS_WORKER if row.is_online else CANCEL_ITS_JOBS).said()

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
