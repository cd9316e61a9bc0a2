"""The gallery: all finished takes that the person may see, with filters."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from generation.states import Status
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import GalleryForm
from studio.live.fragments import job_context
from studio.models import Take
from studio.presentation.keyset import BadCursor, Keyset, Page

PAGE_SIZE = 24
NEWEST = Keyset("gallery", ("-created_at", "-pk"))


@login_required
def gallery(request: PersonRequest) -> HttpResponse:
    """Show a page of takes; htmx requests only the cards of the next page."""
    form = GalleryForm(request.GET, user=request.user)
    form.is_valid()
    takes = Take.objects.visible_to(request.user).for_pages().filter(job__status=Status.COMPLETED)
    takes = takes.filter(**_filters(form.cleaned_data))
    page = _page(takes, request.GET.get("after"))
    query = request.GET.copy()
    query.pop("after", None)
    context = {
        "form": form,
        "count": takes.count(),
        "next": page.next,
        "cards": [
            {"take": take, **job_context(request.forecaster, take.job)} for take in page.rows
        ],
        "query": query.urlencode(),
        "filtered": any(form.cleaned_data.values()),
    }
    part = request.htmx and request.htmx.target == "gallery-more"
    return render(
        request, "fragments/gallery_page.html" if part else "studio/gallery.html", context
    )


def _page(takes: QuerySet[Take], after: str | None) -> Page[Take]:
    """The page behind a cursor; the first for one that is not the gallery's."""
    try:
        return NEWEST.page(takes, PAGE_SIZE, after)
    except BadCursor:
        return NEWEST.page(takes, PAGE_SIZE)


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
