"""The render form with its live estimate."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from generation.errors import SpecError
from generation.field import MediaType
from generation.scheduling.forecast import Forecaster
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.forms.render import RenderForm, uuid_of
from studio.models import Take
from studio.ordering import messages, planner, submission
from studio.views.made_once import made_once
from studio.views.throttled import TooManySubmits, refuse_too_many_submits


@login_required
@made_once
def new_render(request: PersonRequest) -> HttpResponse:
    """Show the form, or submit it and redirect to the job."""
    form = RenderForm(request.POST or None, user=request.user, initial=_initial(request) or None)
    if request.method == "POST" and form.is_valid():
        try:
            refuse_too_many_submits(request)
            take, _ = submission.submit(request.forecaster, form.request(), request.user)
        except SpecError as problem:
            form.blame(problem)
        except TooManySubmits as problem:
            form.refuse(problem.said)
        else:
            return redirect("job", take.job_id)
    context = {"form": form, **_expectation(request.forecaster, form)}
    return render(request, "studio/render.html", context)


@login_required
@require_POST
def estimate(request: PersonRequest) -> HttpResponse:
    """The estimate for the current values of the form; starts nothing.

    A POST request, because two long prompts do not fit into the URL of a GET.
    """
    form = RenderForm(request.POST, user=request.user)
    return render(request, "fragments/expectation.html", _expectation(request.forecaster, form))


def _expectation(forecaster: Forecaster, form: RenderForm) -> dict[str, Any]:
    """The plan and its message for a valid form, else what is missing."""
    if not form.is_bound:
        return {"hint": "Describe the picture to see what it will take."}
    if not form.is_valid() and form.first_problem:
        return {"problem": form.first_problem}
    if not form.is_valid():
        return {"hint": "The form is not complete yet."}
    request = form.request()
    try:
        made = planner.plan(forecaster, request)
    except SpecError as problem:
        return {"problem": problem.sentence}
    return {
        "plan": made,
        "message": messages.message_for(made),
        "suggestion": messages.suggestion_for(forecaster, request, made),
    }


def _initial(request: PersonRequest) -> dict[str, Any]:
    """Initial values by the query: a shot, a take to start from, a character or a style."""
    form = RenderForm(user=request.user)
    initial: dict[str, Any] = {}
    for name in ("character", "style"):
        thing = form.things(name).filter(slug=_asked(request, name)).first()
        if thing is not None:
            initial[name] = thing.pk
    project, _, slug = _asked(request, "shot").partition("/")
    shot = form.things("shot").filter(project__slug=project, slug=slug).first()
    if shot is not None:
        initial |= {"shot": shot.pk, "prompt": shot.prompt}
    take = _whole_number(_asked(request, "take"))
    if take is not None:
        initial |= _like(access.take_for(request.user, take))
    output = form.things("source").filter(pk=uuid_of(_asked(request, "source"))).first()
    if output is not None:
        initial |= {"source": output.pk, "type": MediaType.VIDEO}
    if prompt := _asked(request, "prompt"):
        initial["prompt"] = prompt
    return initial


def _asked(request: PersonRequest, name: str) -> str:
    """A parameter of the query; empty without one, and for one that no database can look for."""
    text = request.GET.get(name, "")
    return "" if "\0" in text else text


def _whole_number(text: str) -> int | None:
    try:
        return int(text) if text.isdecimal() else None
    except ValueError:  # more digits than Python converts
        return None


def _like(take: Take) -> dict[str, Any]:
    """Initial values from a take: the same prompt and settings, but not the seed."""
    spec = take.job.spec
    said = {
        "shot": take.shot_id,
        "type": spec.type,
        "prompt": take.prompt,
        "character": take.character_id,
        "style": take.style_id,
        "quality": take.job.quality,
        "priority": take.job.priority,
    }
    if not spec.draws:
        return said
    said |= {"width": spec.width, "height": spec.height, "upscale": spec.upscale}
    if spec.type == MediaType.VIDEO:
        names = ("frames", "fps", "loop", "interpolate", "formats")
        said |= {name: getattr(spec, name) for name in names}
    return said
