"""From what a person asked to a job: shot + character + style + quality become one RenderSpec."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from generation import jobs, specs
from generation.errors import SpecError
from generation.models import ModelCard
from generation.scheduling.forecast import Outlook, outlook
from generation.specs import Lora, MediaType, Quality, RenderSpec
from generation.states import Priority
from studio import durations
from studio.models import Character, Membership, Project, Role, Shot, Style, Take
from studio.models.project import SKETCHBOOK_SHOT

LONG_SECONDS = 60.0
"""Renders that take longer come with the suggestion of a draft."""


@dataclass(kw_only=True, slots=True)
class RenderRequest:
    """What was asked, with its things already found and allowed. None means: you choose."""

    prompt: str
    type: str = MediaType.IMAGE
    negative_prompt: str = ""
    quality: Quality = Quality.STANDARD
    priority: Priority = Priority.NORMAL
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    model: ModelCard | None = None
    character: Character | None = None
    style: Style | None = None
    project: Project | None = None
    shot: Shot | None = None
    finish_within: float | None = None


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
    made = plan(request)
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
    what = f"A {spec.quality} of {spec.width}x{spec.height}"
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
    steps = max(spec.steps, _style_steps(style, model, Quality.FINAL))
    return replace(spec, quality=Quality.FINAL, steps=steps)


def _plan(request: RenderRequest) -> Plan:
    model = _model_of(request)
    spec = specs.check(_spec(request, model), model.limits)
    return Plan(spec, model, outlook(spec, request.priority))


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


def _spec(request: RenderRequest, model: ModelCard) -> RenderSpec:
    style = request.style
    wishes = style.settings() if style else {}
    return RenderSpec(
        type=request.type,
        model=model.slug,
        prompt=_prompt(request),
        negative_prompt=_negative_prompt(request),
        quality=request.quality,
        width=_first(request.width, model.width),
        height=_first(request.height, model.height),
        steps=_first(request.steps, _style_steps(style, model, request.quality)),
        guidance=_first(request.guidance, wishes.get("guidance"), model.guidance),
        seed=_first(request.seed, specs.draw_seed()),
        scheduler=wishes.get("scheduler") or model.scheduler,
        loras=_loras(request.character),
    )


def _model_of(request: RenderRequest) -> ModelCard:
    """The model asked for, else the style's, else the studio's preferred one."""
    model = request.model
    if model is None and request.style and request.style.model and request.style.model.is_active:
        model = request.style.model
    model = model or ModelCard.objects.preferred()
    if model is None:
        raise SpecError("model", "No model is registered.", "manage.py register_model")
    return model


def _prompt(request: RenderRequest) -> str:
    if not request.prompt.strip():
        return request.prompt
    look = request.character.look if request.character else ""
    prompt = ", ".join(part.strip() for part in (look, request.prompt) if part.strip())
    whole = request.style.apply(prompt) if request.style else prompt
    if len(whole) > specs.MAX_PROMPT_LENGTH >= len(request.prompt):
        raise SpecError(
            "prompt",
            f"With the words of character and style the text has {len(whole)} characters.",
            f"1 to {specs.MAX_PROMPT_LENGTH} characters in all",
        )
    return whole


def _negative_prompt(request: RenderRequest) -> str:
    parts = [request.negative_prompt]
    parts += [thing.negative_prompt for thing in (request.character, request.style) if thing]
    return ", ".join(part.strip() for part in parts if part.strip())


def _style_steps(style: Style | None, model: ModelCard, quality: Quality) -> int:
    """A style's steps are those of its final; other qualities take the model's share of them."""
    steps = model.steps_for(quality)
    if style is None or style.steps is None:
        return steps
    return max(1, round(style.steps * steps / model.final_steps))


def _loras(character: Character | None) -> tuple[Lora, ...]:
    if character is None or not character.lora:
        return ()
    return (
        Lora(
            file=str(character.lora.name), sha256=character.lora_sha256, scale=character.lora_scale
        ),
    )


def _first(*values: Any) -> Any:
    """The first value that somebody gave: 0 counts, None does not."""
    return next(value for value in values if value is not None)


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
