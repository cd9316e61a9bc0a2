"""What a person asks for becomes a job and a take: planned, foretold, submitted."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from generation import jobs, specs
from generation.errors import SpecError
from generation.model_folders import choose_upscaler
from generation.models import ModelCard
from generation.pipelines.interpolate import DEFAULT as DEFAULT_INTERPOLATOR
from generation.scheduling import capacity, placement
from generation.scheduling.forecast import Outlook, outlook
from generation.specs import MediaType, Quality, RenderSpec, Source, SourceUse
from generation.states import Priority
from studio import durations
from studio.compose import RenderRequest, compose, style_steps
from studio.models import Membership, Project, Role, Shot, Style, Take
from studio.models.project import SKETCHBOOK_SHOT

LONG_SECONDS = 60.0
"""Renders that take longer come with the suggestion of a draft."""


@dataclass(slots=True)
class Plan:
    """A request made complete, and what it would meet if it were submitted now."""

    spec: RenderSpec
    model: ModelCard
    outlook: Outlook
    fits: bool | None = None
    """Whether `finish_within` will be met; None when nobody asked or nobody can tell."""

    @property
    def seconds(self) -> float | None:
        """Run time, without the waiting."""
        return self.outlook.prediction.seconds if self.outlook.prediction else None

    @property
    def start(self) -> datetime | None:
        """When it would start."""
        return self.outlook.start


def plan(request: RenderRequest) -> Plan:
    """Complete a request. Raises SpecError naming the field for what cannot be rendered."""
    if request.finish_within is None:
        return _plan(request)
    return _plan_within(request, request.finish_within)


def submit(request: RenderRequest, user: User) -> tuple[Take, Plan]:
    """Write the job and its take, both or neither. Raises SpecError before anything is written."""
    made = plan(replace(request, owner_id=user.pk))
    with transaction.atomic():
        shot = request.shot or _sketches(request.project or _own_project(user))
        take = submit_spec(
            made.spec,
            model=made.model,
            user=user,
            shot=shot,
            priority=request.priority,
            predicted_start=made.start,
            prompt=request.prompt,
            character=request.character,
            style=request.style,
        )
    return take, made


def enhance(
    take: Take,
    user: User,
    *,
    interpolate: int = 1,
    upscale: int = 1,
    upscaler: str | None = None,
    formats: tuple[str, ...] = (),
    priority: Priority = Priority.NORMAL,
) -> tuple[Take, Plan]:
    """Interpolate or enlarge a finished take: a new take of the same shot, with nothing redrawn.

    Raises SpecError for a take without a file, and for what cannot be asked of it.
    """
    output = take.output
    if output is None:
        raise SpecError("take", "It has no finished file.", "a take whose render is done")
    spec = replace(
        take.job.spec,
        width=output.width,
        height=output.height,
        frames=output.frames,
        fps=output.fps or 0.0,
        steps=0,
        guidance=0.0,
        source=Source(file=str(output.file.name), sha256=output.sha256, use=SourceUse.ENHANCE),
        strength=1.0,
        interpolate=interpolate,
        interpolator=DEFAULT_INTERPOLATOR if interpolate != 1 else "",
        upscale=upscale,
        upscaler=choose_upscaler(upscale, upscaler),
        formats=formats,
        loras=(),
    )
    return _submit_again(take, user, spec, priority)


def clone(take: Take, user: User, seed: int | None = None) -> tuple[Take, Plan]:
    """The same settings with another seed: a new take of the same shot, of the same priority.

    Raises SpecError for a take in which nothing was drawn, and for what can be rendered no more.
    """
    job = take.job
    if job.spec.enhances:
        raise SpecError(
            "take", "Nothing was drawn in it, so no seed changes it.", "a take that was drawn"
        )
    if not job.model.is_active:
        raise SpecError("model", f"{job.model.name} is switched off.", "a model that is offered")
    spec = replace(job.spec, seed=specs.draw_seed() if seed is None else seed)
    return _submit_again(take, user, spec, Priority(job.priority))


def _submit_again(
    take: Take, user: User, spec: RenderSpec, priority: Priority
) -> tuple[Take, Plan]:
    """A new take of the same shot and model, made of another spec. Raises SpecError."""
    model = take.job.model
    specs.check(spec, model.limits)
    placement.check(spec, model)
    capacity.check(spec, model)
    made = Plan(spec, model, outlook(spec, model, priority, user.pk))
    submitted = submit_spec(
        spec,
        model=model,
        user=user,
        shot=take.shot,
        priority=priority,
        predicted_start=made.start,
        prompt=take.prompt,
        character=take.character,
        style=take.style,
    )
    return submitted, made


def submit_spec(
    spec: RenderSpec,
    *,
    model: ModelCard,
    user: User,
    shot: Shot,
    priority: Priority,
    predicted_start: datetime | None,
    **take_fields: Any,
) -> Take:
    """The job of a complete spec and its take in a shot."""
    with transaction.atomic():
        # Locks the shot where the database can, so that two takes never draw one number.
        Shot.objects.select_for_update().get(pk=shot.pk)
        newest = Take.objects.filter(shot=shot).aggregate(newest=Max("number"))["newest"] or 0
        job = jobs.submit(
            spec,
            owner=user,
            model=model,
            priority=priority,
            scope=shot.project.group,
            predicted_start=predicted_start,
        )
        return Take.objects.create(
            shot=shot, number=newest + 1, job=job, created_by=user, **take_fields
        )


def message_for(made: Plan) -> str:
    """What to expect, as a colleague would say it."""
    spec, prediction = made.spec, made.outlook.prediction
    what = _what(spec)
    if prediction is None:
        took = f"{what} was not rendered here before: its time is not known yet"
    else:
        span = durations.span(prediction.low, prediction.high)
        took = f"{what} takes about {durations.spoken(prediction.seconds)} ({span})"
    wait = durations.until(made.start)
    if wait is None:
        starts = f"its place in the queue is {made.outlook.position}"
    elif wait < 1:
        starts = "it starts at once"
    else:
        starts = f"it starts in about {durations.spoken(wait)}"
    limit = "" if made.fits is not False else " No quality fits the time you have."
    return f"{took}, and {starts}.{limit}"


def _what(spec: RenderSpec) -> str:
    """The thing that was asked for: "A draft of 256x256", "A final clip of 9 seconds"."""
    width, height = spec.delivered_size
    if spec.type == MediaType.IMAGE:
        return f"A {spec.quality} of {width}x{height}"
    length = durations.spoken(spec.delivered_frames / spec.delivered_fps)
    return f"A {spec.quality} clip of {length} ({spec.delivered_frames} frames, {width}x{height})"


def suggestion_for(request: RenderRequest, made: Plan) -> str | None:
    """A cheaper way when the render is long; None when it is not, or when nothing is known."""
    if made.spec.quality == Quality.DRAFT or (made.seconds or 0.0) < LONG_SECONDS:
        return None
    draft = _plan(replace(request, quality=Quality.DRAFT, steps=None)).seconds
    if draft is None or made.seconds is None or draft > 0.7 * made.seconds:
        return None
    return f"Use draft quality for a preview in about {durations.spoken(draft)}."


def finish(spec: RenderSpec, model: ModelCard, style: Style | None) -> RenderSpec:
    """The final of an approved draft: the same in everything but the number of steps."""
    steps = max(spec.steps, style_steps(style, model, Quality.FINAL))
    return replace(spec, quality=Quality.FINAL, steps=steps)


def _plan(request: RenderRequest) -> Plan:
    spec, model = compose(request)
    placement.check(spec, model)
    capacity.check(spec, model)
    return Plan(spec, model, outlook(spec, model, request.priority, request.owner_id))


def _plan_within(request: RenderRequest, limit: float) -> Plan:
    """The best quality whose upper bound, waiting included, fits `limit` seconds."""
    plans = [
        _plan(replace(request, quality=quality, steps=None))
        for quality in (Quality.FINAL, Quality.STANDARD, Quality.DRAFT)
    ]
    known = False
    for made in plans:
        wait, prediction = durations.until(made.start), made.outlook.prediction
        if wait is None or prediction is None:
            continue
        known = True
        if wait + prediction.high <= limit:
            made.fits = True
            return made
    # Nothing is known to fit: the quickest is the honest choice, and it is said.
    plans[-1].fits = False if known else None
    return plans[-1]


def _own_project(user: User) -> Project:
    """The person's sketchbook: where renders go that name no project."""
    name = user.get_username()
    project, created = Project.objects.get_or_create(
        slug=f"sketchbook-{user.pk}",
        defaults={"name": f"Sketchbook of {name}", "description": "Renders of no project."},
    )
    if created:
        Membership.objects.create(project=project, user=user, role=Role.ADMIN)
    return project


def _sketches(project: Project) -> Shot:
    """The project's shot for renders that name no shot."""
    shot, _ = Shot.objects.get_or_create(
        project=project,
        slug=SKETCHBOOK_SHOT,
        defaults={"name": "Sketches", "description": "Takes of no shot yet.", "order": 1000},
    )
    return shot
