"""Submitting: a request is planned and estimated, and becomes a job and a take."""

from dataclasses import astuple, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from generation import specs
from generation.errors import SpecError
from generation.library.upscalers import choose_upscaler
from generation.models import Device, Job, ModelCard
from generation.models.job import UNREADABLE
from generation.pipelines.interpolate.interpolate import DEFAULT as DEFAULT_INTERPOLATOR
from generation.queue import lifecycle, requests
from generation.scheduling.admission import check_admitted
from generation.scheduling.forecast import Forecaster
from generation.specs import EnhanceSpec, Quality, RenderSpec, SourceFile, SourceUse
from generation.states import Priority
from studio.models import Membership, Project, Role, Shot, Style, Take
from studio.models.project import SKETCHBOOK_SHOT
from studio.ordering import refusals
from studio.ordering.compose import style_steps
from studio.ordering.planner import Plan, plan, plan_again
from studio.ordering.request import RenderRequest


def submit(forecaster: Forecaster, request: RenderRequest, user: User) -> tuple[Take, Plan]:
    """Write the job and its take, or neither. Raises SpecError before anything is written."""
    made = plan(forecaster, request.but(owner_id=user.pk))
    is_draft = made.spec.quality != Quality.FINAL
    with transaction.atomic():
        shot = request.shot or _sketches(request.project or _own_project(user))
        take = submit_spec(
            made.spec,
            model=made.model,
            user=user,
            shot=shot,
            priority=request.priority,
            plan=made,
            final=_finished(made.spec, made.model, request.style) if is_draft else None,
            prompt=request.prompt,
            character=request.character,
            style=request.style,
        )
    return take, made


def enhance(
    forecaster: Forecaster,
    take: Take,
    user: User,
    *,
    interpolate: int = 1,
    upscale: int = 1,
    upscaler: str | None = None,
    formats: tuple[str, ...] = (),
    priority: Priority = Priority.NORMAL,
) -> tuple[Take, Plan]:
    """Interpolate or upscale a finished take as a new take of the same shot; nothing is redrawn.

    Raises SpecError for a take without a file, and for settings that it does not allow.
    """
    output = take.output
    if output is None:
        raise SpecError("take", refusals.NO_FINISHED_FILE, "a take whose render is done")
    spec = EnhanceSpec.of(
        spec_of(take.job),
        width=output.width,
        height=output.height,
        frames=output.frames,
        fps=output.fps or 0.0,
        source=SourceFile(file=str(output.file.name), sha256=output.sha256, use=SourceUse.ENHANCE),
        interpolate=interpolate,
        interpolator=DEFAULT_INTERPOLATOR if interpolate != 1 else "",
        upscale=upscale,
        upscaler=choose_upscaler(upscale, upscaler),
        formats=formats,
    )
    return _submit_again(forecaster, take, user, spec, priority)


def clone(
    forecaster: Forecaster, take: Take, user: User, seed: int | None = None
) -> tuple[Take, Plan]:
    """Render the same settings with another seed as a new take of the same shot and priority.

    Raises SpecError for a take in which nothing was drawn, and for a spec that can no longer be
    rendered.
    """
    job, drawn = take.job, spec_of(take.job)
    if not drawn.draws:
        raise SpecError("take", refusals.NOT_DRAWN, "a take that was drawn")
    seed = specs.draw_seed() if seed is None else seed
    final = None if take.is_final else replace(settled_final(take), seed=seed)
    spec = replace(drawn, seed=seed)
    return _submit_again(forecaster, take, user, spec, Priority(job.priority), final)


def retry(job: Job) -> bool:
    """Put a failed or cancelled job back into the queue. False when it is neither.

    Raises SpecError, and changes nothing, for a job that can no longer be rendered.
    """
    if not job.may_retry:
        return False
    check_admitted(spec_of(job), job.model, job.pinned_to)
    return requests.retry(job)


def spec_of(job: Job) -> RenderSpec:
    """The spec of an older job. Raises SpecError if another version stored it."""
    try:
        return job.spec
    except UNREADABLE as problem:
        allowed = "a new render from its shot"
        raise SpecError("job", refusals.OTHER_VERSION, allowed) from problem


def settled_final(draft: Take) -> RenderSpec:
    """The settings of a draft's final, as settled when the draft was made.

    For a draft of a version that settled none, they follow from the style and the model of today.
    Raises SpecError if another version stored them.
    """
    try:
        settled = draft.final_spec
    except UNREADABLE as problem:
        allowed = "a new render from its shot"
        raise SpecError("take", refusals.OTHER_VERSION, allowed) from problem
    return settled or _finished(spec_of(draft.job), draft.job.model, draft.style)


def _submit_again(
    forecaster: Forecaster,
    take: Take,
    user: User,
    spec: RenderSpec,
    priority: Priority,
    final: RenderSpec | None = None,
) -> tuple[Take, Plan]:
    """Submit another spec as a new take of the same shot and model. Raises SpecError."""
    model = take.job.model
    made = plan_again(forecaster, spec, model, priority, user.pk)
    submitted = submit_spec(
        spec,
        model=model,
        user=user,
        shot=take.shot,
        priority=priority,
        plan=made,
        final=final,
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
    plan: Plan,
    pinned_to: Device | None = None,
    final: RenderSpec | None = None,
    **take_fields: Any,
) -> Take:
    """Write the job of a complete spec and its take in a shot; `final` is a draft's final."""
    with transaction.atomic():
        # Locks the shot if the database can, so that two takes never get the same number.
        Shot.objects.select_for_update().get(pk=shot.pk)
        newest = Take.objects.filter(shot=shot).aggregate(newest=Max("number"))["newest"] or 0
        job = lifecycle.submit(
            spec,
            owner=user,
            model=model,
            priority=priority,
            scope=shot.project.group,
            estimate=plan.forecast.estimate,
            estimated_start=plan.start,
            reasons=[astuple(reason) for reason in plan.all_reasons],
            pinned_to=pinned_to,
        )
        return Take.objects.create(
            shot=shot,
            number=newest + 1,
            job=job,
            created_by=user,
            final_spec_data=final and final.as_json(),
            **take_fields,
        )


def _finished(spec: RenderSpec, model: ModelCard, style: Style | None) -> RenderSpec:
    """The settings of a draft's final: all steps, each computed in full."""
    steps = max(spec.steps, style_steps(style, model, Quality.FINAL))
    return replace(spec, quality=Quality.FINAL, steps=steps, acceleration=1)


def _own_project(user: User) -> Project:
    """The person's sketchbook: the project of renders that name none."""
    name = user.get_username()
    project, created = Project.objects.get_or_create(
        slug=f"sketchbook-{user.pk}",
        defaults={"name": f"Sketchbook of {name}", "description": "Renders of no project."},
    )
    if created:
        Membership.objects.create(project=project, user=user, role=Role.ADMIN)
    return project


def sketches_of(user: User, slug: str, name: str) -> Shot:
    """A shot of the person's sketchbook for a special purpose, such as calibration."""
    shot, _ = Shot.objects.get_or_create(
        project=_own_project(user), slug=slug, defaults={"name": name, "order": 1001}
    )
    return shot


def _sketches(project: Project) -> Shot:
    """The project's shot for renders that name none."""
    shot, _ = Shot.objects.get_or_create(
        project=project,
        slug=SKETCHBOOK_SHOT,
        defaults={"name": "Sketches", "description": "Takes of no shot yet.", "order": 1000},
    )
    return shot
