"""What people do to the queue from the dashboard: many jobs at once, and the devices."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from generation.errors import SpecError
from generation.models import Device, Job
from generation.states import Pause, Status
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.production import bulk_actions, devices


@login_required
@require_POST
def act(request: PersonRequest) -> HttpResponse:
    """One action on the chosen jobs; the answer says how many it changed, and why not the others.

    404 when the person sees none of them, 403 when they may change none of them.
    """
    action = bulk_actions.ACTIONS.get(request.POST.get("action", ""))
    ids = _ids(request.POST.getlist("job"))
    if action is None:
        return _say(request, "Nothing was changed: choose what to do with the jobs.")
    if not ids:
        return _say(request, "Nothing was changed: choose jobs first.")
    if len(ids) > bulk_actions.MOST:
        return _say(
            request, f"Nothing was changed: choose at most {bulk_actions.MOST} jobs at once."
        )
    chosen = list(access.changeable_jobs(request.user).filter(pk__in=ids))
    if not chosen:
        _refuse(request, ids)
    acted = bulk_actions.act(action, chosen)
    said = bulk_actions.sentence(action, acted, len(ids) - len(chosen))
    return _say(request, said, moved=bool(acted.moved))


@login_required
def mine(request: PersonRequest) -> JsonResponse:
    """The person's own waiting and held jobs: what "all of mine" chooses, also beyond the page."""
    own = Job.objects.filter(owner=request.user, status=Status.QUEUED)
    ids = own.order_by("priority", "rank", "id").values_list("pk", flat=True)[: bulk_actions.MOST]
    return JsonResponse({"job_ids": [str(pk) for pk in ids]})


@login_required
def changeable(request: PersonRequest) -> HttpResponse:
    """Which waiting jobs of others the person may change; asked again when something moved."""
    return render(request, "studio/changeable.html", changeable_context(request))


def changeable_context(request: PersonRequest) -> dict[str, Any]:
    """Those jobs; superusers may change all, and so need no list."""
    if request.user.is_superuser:
        return {"changes_all": True}
    others = access.changeable_jobs(request.user).exclude(owner=request.user)
    waiting = others.filter(status=Status.QUEUED).order_by("priority", "rank", "id")
    return {
        "changes_others": access.leads_others(request.user),
        "changeable": [str(pk) for pk in waiting.values_list("pk", flat=True)[: bulk_actions.MOST]],
    }


@login_required
@require_POST
def pause_device(request: PersonRequest, pk: int) -> HttpResponse:
    """Let a device finish and stop, stop now, or take work again."""
    if not access.may_change_devices(request.user):
        raise PermissionDenied("Only a lead of the house may stop a device.")
    device = get_object_or_404(Device, pk=pk)
    try:
        wanted = Pause(request.POST.get("pause", "?"))
    except ValueError:
        messages.error(request, "Choose whether the device stops, and when.")
        return redirect("dashboard")
    if devices.pause(device, wanted):
        messages.success(request, devices.said(device, wanted))
    else:
        messages.info(request, f"{device.name} is in that state already.")
    return redirect("dashboard")


@login_required
@require_POST
def calibrate_device(request: PersonRequest, pk: int) -> HttpResponse:
    """Let a device find out how fast it is."""
    if not access.may_change_devices(request.user):
        raise PermissionDenied("Only a lead of the house may calibrate a device.")
    device = get_object_or_404(Device, pk=pk)
    try:
        takes = devices.calibrate(request.forecaster, device, request.user)
    except SpecError as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, f"{device.name} renders {len(takes)} small takes to be known.")
    return redirect("dashboard")


def _ids(texts: list[str]) -> list[UUID]:
    """Each id once. Raises Http404 for what is no id: no page of ours sends such."""
    try:
        return [UUID(text) for text in dict.fromkeys(texts)]
    except ValueError:
        raise Http404 from None


def _refuse(request: PersonRequest, ids: list[UUID]) -> None:
    """Tells no more than the pages do: what one does not see is not there."""
    if not access.visible_jobs(request.user).filter(pk__in=ids).exists():
        raise Http404
    raise PermissionDenied("Only who asked for a render, or the project's admin, may do this.")


def _say(request: PersonRequest, said: str, moved: bool = False) -> HttpResponse:
    """Into the page where it is live, as a message on the next one otherwise."""
    if request.htmx:
        return render(request, "fragments/said.html", {"said": said, "moved": moved})
    (messages.success if moved else messages.info)(request, said)
    return redirect("dashboard")
