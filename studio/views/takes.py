"""The take's page, and the page of open reviews."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render

from generation.errors import SpecError
from generation.sentences import Said
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.accounts.refusals import Forbidden
from studio.forms.pages import ChangeForm, CommentForm, EnhanceForm
from studio.live.fragments import job_context, take_details
from studio.models import Project, Review, Take, Verdict
from studio.ordering import submission
from studio.presentation import flash
from studio.production import reviewing
from studio.production.refusals import OWN_TAKE
from studio.production.reviewing import ReviewConflict
from studio.views import sentences
from studio.views.live import live
from studio.views.made_once import made_once
from studio.views.posted_from import posted_from
from studio.views.throttled import TooManySubmits, refuse_too_many_submits


@login_required
def take(request: PersonRequest, pk: int) -> HttpResponse:
    """Show the output, its review, and how it was made."""
    return _page(request, access.take_for(request.user, pk), CommentForm())


@login_required
@posted_from("take", "pk")
@made_once
def send_to_review(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask the project's reviewers for a verdict."""
    found = access.take_for(request.user, pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        reviewing.request_review(found, request.user, form.cleaned_data["comment"])
    except ReviewConflict as problem:
        return _too_late(request, found, problem.said)
    return redirect(found)


@login_required
@posted_from("take", "pk")
@made_once
def withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    """Take the take back from review."""
    found = access.take_for(request.user, pk)
    review = access.withdrawable_review_for(request.user, found)
    if review is None:
        return _decided_already(request, found)
    try:
        reviewing.withdraw(review, request.user)
    except ReviewConflict as problem:
        flash.info(request, problem.said)
    else:
        flash.success(request, sentences.WITHDRAWN.said())
    return redirect(found)


@login_required
@posted_from("take", "pk")
@made_once
def approve(request: PersonRequest, pk: int) -> HttpResponse:
    """Approve a take; the final of a draft is submitted automatically."""
    found = access.take_for(request.user, pk)
    review = access.open_review_for(request.user, found)
    if access.must_leave_approval(request.user, found):
        raise Forbidden(OWN_TAKE)
    if review is None:
        return _decided_already(request, found)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        comment = form.cleaned_data["comment"]
        final = reviewing.approve(request.forecaster, review, request.user, comment)
    except ReviewConflict as problem:
        return _too_late(request, found, problem.said)
    except SpecError as problem:
        flash.error(request, sentences.APPROVAL_REFUSED.said(problem=problem.sentence))
        return redirect(found)
    if final:
        flash.success(request, sentences.APPROVED_WITH_FINAL.said(number=final.number))
    else:
        flash.success(request, sentences.APPROVED.said())
    return redirect(_next_review(request) or found)


@login_required
@posted_from("take", "pk")
@made_once
def request_changes(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask for changes, which the comment describes."""
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
        return _too_late(request, found, problem.said)
    flash.success(request, sentences.CHANGES_REQUESTED.said())
    return redirect(_next_review(request) or found)


@login_required
@posted_from("take", "pk")
@made_once
def enhance(request: PersonRequest, pk: int) -> HttpResponse:
    """Interpolate or upscale a finished take; the result is a new take."""
    found = access.take_for(request.user, pk)
    form = EnhanceForm(request.POST)
    if form.is_valid():
        try:
            refuse_too_many_submits(request)
            enhanced, _ = submission.enhance(
                request.forecaster, found, request.user, **form.asked()
            )
        except SpecError as problem:
            flash.refused(request, problem)
        except TooManySubmits as problem:
            flash.error(request, problem.said)
        else:
            return redirect("job", enhanced.job_id)
    else:
        flash.error(request, sentences.ENHANCEMENT_NOT_CHOSEN.said())
    return redirect(found)


@login_required
def reviews(request: PersonRequest) -> HttpResponse:
    """Open reviews of the person's projects, the oldest first, and the latest verdicts."""
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
        Review.objects.exclude(verdict__in=[Verdict.PENDING, Verdict.WITHDRAWN])
        .filter(take__shot__project__in=visible, take__job__trashed_at=None)
        .select_related("take__shot__project", "reviewer")
        .order_by("-decided_at")[:12]
    )
    return render(request, "studio/reviews.html", {"cards": cards, "decided": decided})


def _page(
    request: PersonRequest, found: Take, form: CommentForm, kept: str = "", status: int = 200
) -> HttpResponse:
    """The take's page. `kept` is a comment that was typed and not sent."""
    review = found.reviews.filter(verdict=Verdict.PENDING).first()
    context = {
        **live(request, "project", found.shot.project.slug),
        **job_context(request.forecaster, found.job),
        **take_details(request.forecaster, found),
        "form": form,
        "enhance_form": EnhanceForm(initial={"interpolate": 1, "upscale": 1}),
        "may_review": access.may_review(request.user, found),
        "may_change": access.may_change_job(request.user, found.job),
        "may_withdraw": review is not None and access.may_withdraw(request.user, review),
        "own_take": access.must_leave_approval(request.user, found) and OWN_TAKE.say(),
        "kept": kept,
    }
    status = 422 if form.errors else status
    return render(request, "studio/take.html", context, status=status)


def _decided_already(request: PersonRequest, found: Take) -> HttpResponse:
    """Say that the take is not in review: somebody else has ended the review, or never sent it."""
    label = found.get_verdict_display().lower()
    said = reviewing.outcome(found) or sentences.NO_VERDICT_DUE.said(verdict=label)
    return _too_late(request, found, said)


def _too_late(request: PersonRequest, found: Take, said: Said) -> HttpResponse:
    """Say why nothing was done. A comment that was typed comes back with the page."""
    flash.info(request, said)
    typed = request.POST.get("comment", "").strip()
    if not typed:
        return redirect(found)
    now = access.take_for(request.user, found.pk)
    return _page(request, now, CommentForm(), kept=typed, status=409)


def _next_review(request: PersonRequest) -> Take | None:
    """The next take to review, if the form was on the page of open reviews; else None."""
    if "next" not in request.POST:
        return None
    visible = Project.objects.visible_to(request.user)
    waiting = Review.objects.filter(verdict=Verdict.PENDING, take__shot__project__in=visible)
    first = waiting.select_related("take").order_by("requested_at").first()
    return first.take if first else None
