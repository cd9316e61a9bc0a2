"""Projects, their boards and shots."""

from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render

from generation.scheduling.forecast import Forecaster
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import ShotForm
from studio.live.fragments import shot_takes, shots_with_best
from studio.models import Project
from studio.views.live import live
from studio.views.made_once import made_once


@login_required
def project_list(request: PersonRequest) -> HttpResponse:
    """List the person's projects."""
    kept = Q(shots__takes__job__trashed_at=None)
    projects = Project.objects.visible_to(request.user).annotate(
        shot_count=Count("shots", distinct=True),
        take_count=Count("shots__takes", distinct=True, filter=kept),
    )
    return render(request, "studio/projects.html", {"projects": projects})


@login_required
@made_once
def project(request: PersonRequest, slug: str) -> HttpResponse:
    """Show the board: every shot with its best take."""
    found = access.project_for(request.user, slug)
    form = ShotForm(request.POST or None, project=found)
    if request.method == "POST":
        with transaction.atomic():
            # Of two people who add a shot of one name at the same time, the second is told.
            Project.objects.select_for_update().get(pk=found.pk)
            if form.is_valid():
                return redirect(form.save())
    context = {
        **live(request, "project", slug),
        "project": found,
        "form": form,
        "board": _board(request.forecaster, found),
    }
    return render(request, "studio/project.html", context)


@login_required
def shot(request: PersonRequest, project_slug: str, slug: str) -> HttpResponse:
    """Show the takes of a shot."""
    found = access.shot_for(request.user, project_slug, slug)
    context = {
        **live(request, "project", project_slug),
        "project": found.project,
        "shot": found,
        "takes": shot_takes(request.forecaster, found),
    }
    return render(request, "studio/shot.html", context)


def _board(forecaster: Forecaster, found: Project) -> list[dict[str, Any]]:
    """The project's shots by sequence, in their order."""
    # Also by slug: two sequences with the same order must not be interleaved.
    order = ("sequence__order", "sequence__slug", "order", "slug")
    shots = list(found.shots.select_related("sequence").order_by(*order))
    cards = {card["shot"].pk: card for card in shots_with_best(forecaster, shots)}
    return [
        {"sequence": sequence, "cards": [cards[shot.pk] for shot in group]}
        for sequence, group in groupby(shots, key=lambda shot: shot.sequence)
    ]
