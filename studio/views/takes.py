"""A take's page and the review room: yes or no?"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from generation.errors import SpecError
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.forms.pages import ChangeForm, CommentForm, EnhanceForm
from studio.live.fragments import job_context, take_details
from studio.models import Project, Review, Take, Verdict
from studio.ordering import submission
from studio.production import reviewing
from studio.production.reviewing import ReviewConflict
from studio.views.live import live


@login_required
def take(request: PersonRequest, pk: int) -> HttpResponse:
    """The picture, large; its review; how it was made."""
    return _page(request, access.take_for(request.user, pk), CommentForm())


@login_required
@require_POST
def send_to_review(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask the project's reviewers for a verdict."""
    found = access.take_for(request.user, pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        reviewing.request_review(found, request.user, form.cleaned_data["comment"])
    except ReviewConflict as problem:
        messages.info(request, str(problem))
    return redirect(found)


@login_required
@require_POST
def approve(request: PersonRequest, pk: int) -> HttpResponse:
    """Approve; a draft's final joins the queue by itself."""
    found = access.take_for(request.user, pk)
    review = access.open_review_for(request.user, found)
    if review is None:
        return _decided_already(request, found)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        comment = form.cleaned_data["comment"]
        final = reviewing.approve(request.forecaster, review, request.user, comment)
    except ReviewConflict as problem:
        messages.info(request, str(problem))
        return redirect(found)
    except SpecError as problem:
        messages.error(
            request, f"Not approved, for its final cannot be rendered: {problem.sentence}"
        )
        return redirect(found)
    queued = f" Its final, take {final.number}, is in the queue." if final else ""
    messages.success(request, f"Approved.{queued}")
    return redirect(_next_review(request) or found)


@login_required
@require_POST
def request_changes(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask for a change; the comment says which."""
    found = access.take_for(request.user, pk)
    review = access.open_review_for(request.user, found)
    if review is None:
        return _decided_already(request, found)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        reviewing.request_changes(review, request.user, form.cleaned_data["comment"])
    except ReviewConflict as problem:
        messages.info(request, str(problem))
    else:
        messages.success(request, "The artist is told what should change.")
    return redirect(_next_review(request) or found)


@login_required
@require_POST
def enhance(request: PersonRequest, pk: int) -> HttpResponse:
    """Interpolate or enlarge a finished take; the result is a take of its own."""
    found = access.take_for(request.user, pk)
    form = EnhanceForm(request.POST)
    if form.is_valid():
        try:
            enhanced, _ = submission.enhance(
                request.forecaster, found, request.user, **form.asked()
            )
        except SpecError as problem:
            messages.error(request, problem.sentence)
        else:
            return redirect("job", enhanced.job_id)
    else:
        messages.error(request, "Choose 2 or 4 times the frames or the size.")
    return redirect(found)


@login_required
def reviews(request: PersonRequest) -> HttpResponse:
    """Everything that waits for a verdict in one's projects, the oldest first."""
    visible = Project.objects.visible_to(request.user)
    waiting = Review.objects.filter(verdict=Verdict.PENDING, take__shot__project__in=visible)
    takes = Take.objects.for_pages().in_bulk(waiting.values_list("take_id", flat=True))
    cards = [
        {
            "review": review,
            "take": takes[review.take_id],
            **job_context(request.forecaster, takes[review.take_id].job),
        }
        for review in waiting.select_related("requested_by").order_by("requested_at")
    ]
    decided = (
        Review.objects.exclude(verdict=Verdict.PENDING)
        .filter(take__shot__project__in=visible)
        .select_related("take__shot__project", "reviewer")
        .order_by("-decided_at")[:12]
    )
    return render(request, "studio/reviews.html", {"cards": cards, "decided": decided})


def _page(request: PersonRequest, found: Take, form: CommentForm) -> HttpResponse:
    context = {
        **live(request, "project", found.shot.project.slug),
        **job_context(request.forecaster, found.job),
        **take_details(found),
        "form": form,
        "enhance_form": EnhanceForm(initial={"interpolate": 1, "upscale": 1}),
        "may_review": access.may_review(request.user, found),
    }
    return render(request, "studio/take.html", context, status=422 if form.errors else 200)


def _decided_already(request: PersonRequest, found: Take) -> HttpResponse:
    """Somebody else was faster, or the take was never sent: say what it is, change nothing."""
    label = found.get_verdict_display().lower()
    messages.info(request, f"This take does not wait for a verdict ({label}).")
    return redirect(found)


def _next_review(request: PersonRequest) -> Take | None:
    """In the review room the next waiting take follows; on a take's own page one stays there."""
    if "next" not in request.POST:
        return None
    visible = Project.objects.visible_to(request.user)
    waiting = Review.objects.filter(verdict=Verdict.PENDING, take__shot__project__in=visible)
    first = waiting.select_related("take").order_by("requested_at").first()
    return first.take if first else None
