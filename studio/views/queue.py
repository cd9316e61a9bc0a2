"""Actions from the dashboard: on many jobs at once, and on devices."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from generation.errors import SpecError
from generation.models import Device
from generation.sentences import Said
from generation.states import Pause, Status
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.accounts.refusals import NOT_A_LEAD, NOT_YOUR_JOB, Forbidden
from studio.presentation import flash
from studio.production import bulk_actions, devices
from studio.production.sentences import CALIBRATING
from studio.views import sentences
from studio.views.made_once import made_once
from studio.views.posted_from import posted_from


@login_required
@posted_from("dashboard")
def act(request: PersonRequest) -> HttpResponse:
    """Apply one action to the chosen jobs; the response says how many it changed, and why not all.

    404 when the person sees none of the jobs, 403 when they may change none of them.
    """
    action = bulk_actions.ACTIONS.get(request.POST.get("action", ""))
    ids = _ids(request.POST.getlist("job"))
    if action is None:
        return _say(request, [sentences.ACTION_NOT_CHOSEN.said()])
    if not ids:
        return _say(request, [sentences.JOBS_NOT_CHOSEN.said()])
    if len(ids) > bulk_actions.MOST:
        return _say(request, [sentences.TOO_MANY_JOBS.said(most=bulk_actions.MOST)])
    chosen = list(access.changeable_jobs(request.user).filter(pk__in=ids))
    if not chosen:
        _refuse(request, ids)
    acted = bulk_actions.act(action, chosen)
    said = bulk_actions.told(action, acted, len(ids) - len(chosen))
    return _say(request, said, moved=bool(acted.moved))


@login_required
def mine(request: PersonRequest) -> JsonResponse:
    """Ids of the person's own waiting and held jobs, for "all of mine"; not only those shown."""
    own = access.changeable_jobs(request.user).filter(owner=request.user, status=Status.QUEUED)
    ids = own.order_by("priority", "rank", "id").values_list("pk", flat=True)[: bulk_actions.MOST]
    return JsonResponse({"job_ids": [str(pk) for pk in ids]})


@login_required
def changeable(request: PersonRequest) -> HttpResponse:
    """Which waiting jobs of others the person may change; fetched again after each change."""
    return render(request, "studio/changeable.html", changeable_context(request))


def changeable_context(request: PersonRequest) -> dict[str, Any]:
    """The context of `changeable`. Superusers may change all jobs, so they get no list."""
    if request.user.is_superuser:
        return {"changes_all": True}
    others = access.changeable_jobs(request.user).exclude(owner=request.user)
    waiting = others.filter(status=Status.QUEUED).order_by("priority", "rank", "id")
    return {
        "changes_others": access.leads_others(request.user),
        "changeable": [str(pk) for pk in waiting.values_list("pk", flat=True)[: bulk_actions.MOST]],
    }


@login_required
@posted_from("dashboard")
@made_once
def pause_device(request: PersonRequest, pk: int) -> HttpResponse:
    """Pause a device after its job or at once, or let it work again."""
    if not access.may_change_devices(request.user):
        raise Forbidden(NOT_A_LEAD)
    device = get_object_or_404(Device, pk=pk)
    try:
        wanted = Pause(request.POST.get("pause", "?"))
    except ValueError:
        flash.error(request, sentences.PAUSE_NOT_CHOSEN.said())
        return redirect("dashboard")
    if devices.pause(device, wanted):
        flash.success(request, devices.PAUSED[wanted].said(device=device.name))
    else:
        flash.info(request, sentences.DEVICE_UNCHANGED.said(device=device.name))
    return redirect("dashboard")


@login_required
@posted_from("dashboard")
@made_once
def calibrate_device(request: PersonRequest, pk: int) -> HttpResponse:
    """Submit the renders that measure the speed of a device."""
    if not access.may_change_devices(request.user):
        raise Forbidden(NOT_A_LEAD)
    device = get_object_or_404(Device, pk=pk)
    try:
        takes = devices.calibrate(request.forecaster, device, request.user)
    except SpecError as problem:
        flash.refused(request, problem)
    else:
        said = CALIBRATING.said(device=device.name, count=len(takes))
        flash.success(request, said)
    return redirect("dashboard")


def _ids(texts: list[str]) -> list[UUID]:
    """Each id once. Raises Http404 for a text that is not an id, because no page sends one."""
    try:
        return [UUID(text) for text in dict.fromkeys(texts)]
    except ValueError:
        raise Http404 from None


def _refuse(request: PersonRequest, ids: list[UUID]) -> None:
    """Raise Http404 if the person sees none of the jobs, else Forbidden."""
    if not access.visible_jobs(request.user).filter(pk__in=ids).exists():
        raise Http404
    raise Forbidden(NOT_YOUR_JOB)


def _say(request: PersonRequest, said: list[Said], moved: bool = False) -> HttpResponse:
    """Answer htmx with the sentences alone; otherwise show them on the dashboard."""
    if request.htmx:
        context = {"said": flash.text(said), "codes": flash.codes(said), "moved": moved}
        return render(request, "fragments/said.html", context)
    (flash.success if moved else flash.info)(request, *said)
    return redirect("dashboard")
