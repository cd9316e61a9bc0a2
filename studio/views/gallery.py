"""The gallery: all finished takes that the person may see, with filters."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from generation.states import Status
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import GalleryForm
from studio.live.fragments import job_context
from studio.models import Take

PAGE_SIZE = 24


@login_required
def gallery(request: PersonRequest) -> HttpResponse:
    """Show a page of takes; htmx requests only the cards of the next page."""
    form = GalleryForm(request.GET, user=request.user)
    form.is_valid()
    takes = Take.objects.visible_to(request.user).for_pages().filter(job__status=Status.COMPLETED)
    takes = takes.filter(**_filters(form.cleaned_data)).order_by("-created_at", "-pk")
    page = Paginator(takes, PAGE_SIZE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "cards": [{"take": take, **job_context(request.forecaster, take.job)} for take in page],
        "query": query.urlencode(),
        "filtered": any(form.cleaned_data.values()),
    }
    part = request.htmx and request.htmx.target == "gallery-more"
    return render(
        request, "fragments/gallery_page.html" if part else "studio/gallery.html", context
    )


def _filters(chosen: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "project": "shot__project",
        "character": "character",
        "style": "style",
        "quality": "job__quality",
        "verdict": "verdict",
        "words": "prompt__icontains",
    }
    return {fields[name]: value for name, value in chosen.items() if value}
