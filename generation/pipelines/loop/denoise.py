"""The loop over the denoising steps: the only code that changes latents.

The loop is ours rather than diffusers' because progress, previews, cancelling and yielding to
urgent work all happen between two steps. Its results equal those of the stock pipelines bit by
bit; `tests/generation/pipelines/families/test_parity.py` compares the tensors.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

from generation.errors import ModelUnreadable, public_text
from generation.pipelines.loop import scheduler_state
from generation.pipelines.loop.step import LoopState, OnBatchStep, Step

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(model input (B, C, h, w), timestep) to the model's prediction of the same shape."""

SCHEDULER_PARTS = ("alphas_cumprod", "init_noise_sigma", "scale_model_input")
"""Attributes that the loop uses and that schedulers of other kinds of models lack."""


@dataclass(frozen=True, slots=True)
class Given:
    """Clean latents (1, C, 1, h, w) of the picture that a clip begins with.

    Every frame starts as those latents under the noise of step `skipped`, as in image to image
    (Meng et al. 2022, SDEdit). After every step the first frame is replaced by the given latents
    under the noise of that step, as in inpainting (Lugmayr et al. 2022, RePaint), and by the clean
    latents in the end.
    """

    latents: torch.Tensor
    skipped: int

    def begin(self, scheduler: Any, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The timesteps to make, and the latents (1, C, F, h, w) to start them from."""
        first = self.skipped * scheduler.order
        timesteps = scheduler.timesteps[first:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        every_frame = self.latents.expand_as(noise)
        return timesteps, scheduler.add_noise(every_frame, noise, timesteps[:1])

    def hold(
        self, scheduler: Any, latents: torch.Tensor, noise: torch.Tensor, following: torch.Tensor
    ) -> torch.Tensor:
        """The latents with the given first frame, under the noise of the `following` timestep."""
        first = self.latents
        if len(following):
            first = scheduler.add_noise(first, noise[:, :, :1], following)
        return torch.cat([first, latents[:, :, 1:]], dim=2)


def build_scheduler(own: Any, name: str) -> Any:
    """A new scheduler for one render: the model's own class, or the diffusers class `name`.

    Each render needs its own because schedulers keep state between steps. Raises ModelUnreadable
    when diffusers has no scheduler of that name or the model's settings do not suit it.
    """
    hint = "Correct the scheduler on the model's page in the admin site."
    unsuited = f"The scheduler {name} cannot be used with this model"
    try:
        scheduler_class: Any = getattr(diffusers, name, None) if name else type(own)
        if not hasattr(scheduler_class, "set_timesteps"):
            raise ModelUnreadable(f"diffusers has no scheduler named {name!r}.", hint)
        scheduler = scheduler_class.from_config(own.config)
    except (ImportError, NotImplementedError, TypeError, ValueError) as problem:
        raise ModelUnreadable(f"{unsuited}: {public_text(problem)}", hint) from problem
    if not all(hasattr(scheduler, part) for part in SCHEDULER_PARTS):
        raise ModelUnreadable(f"{unsuited}: it is made for another kind of model.", hint)
    return scheduler


@dataclass(slots=True)
class _Loop:
    """The state of a denoising: latents (B, C, ..., h, w) and all that changes with them."""

    predict: Predict
    scheduler: Any
    guidance: float
    generators: list[torch.Generator]
    timesteps: torch.Tensor
    steps: int
    latents: torch.Tensor
    done: int = 0

    @property
    def number(self) -> int:
        """Finished whole steps: some schedulers run the model more than once in a step."""
        return self.steps * self.done // len(self.timesteps)

    def advance(self) -> Callable[[], torch.Tensor]:
        """Make the next timestep. Return a function that computes the clean latents it predicts."""
        timestep = self.timesteps[self.done]
        doubled = torch.cat([self.latents] * 2) if self.guidance > 1.0 else self.latents
        model_input = self.scheduler.scale_model_input(doubled, timestep)
        prediction = self.predict(model_input, timestep)
        if self.guidance > 1.0:
            negative, positive = prediction.chunk(2)
            prediction = negative + self.guidance * (positive - negative)
        noisy = model_input[: len(self.latents)]
        self.latents = self.scheduler.step(
            prediction,
            timestep,
            self.latents,
            **_step_options(self.scheduler, self.generators),
            return_dict=False,
        )[0]
        self.done += 1
        return _clean_latents(self.scheduler, prediction, timestep, noisy)

    def save(self) -> LoopState:
        """A copy of all that `resume` needs; for a batch of one only."""
        return LoopState(
            done=self.done,
            latents=self.latents.detach().to("cpu", copy=True),
            generator=self.generators[0].get_state(),
            scheduler=scheduler_state.take(self.scheduler),
            number=self.number,
        )

    def resume(self, state: LoopState) -> None:
        """Continue from a saved state. The state is not changed and may be used again."""
        device = self.latents.device
        self.done, self.latents = state.done, state.latents.to(device, copy=True)
        self.generators[0].set_state(state.generator)
        scheduler_state.put_back(self.scheduler, state.scheduler, device)

    def keep(self, rows: Sequence[int]) -> None:
        """Continue with these rows only."""
        scheduler_state.keep_rows(self.scheduler, rows, self.latents.shape)
        self.latents = self.latents[list(rows)]
        self.generators = [self.generators[row] for row in rows]

    def savable(self) -> bool:
        """Whether `save` can copy the whole state."""
        return len(self.generators) == 1 and scheduler_state.can_be_taken(self.scheduler)


def denoise(
    predict: Predict,
    scheduler: Any,
    noise: torch.Tensor,
    *,
    steps: int,
    guidance: float,
    generator: torch.Generator | Sequence[torch.Generator],
    on_step: OnBatchStep,
    given: Given | None = None,
    resume: LoopState | None = None,
    saves_every: int = 1,
) -> torch.Tensor:
    """Turn unit noise (B, C, ..., h, w) into latents of the same shape in `steps` steps.

    `generator` is one for each row; rows that `on_step` does not keep are dropped from then on.
    With guidance above 1 each model input is doubled, negatives first, and the two predictions
    are combined as in classifier-free guidance (Ho and Salimans 2022): n + g (p - n). `given` skips
    the first steps, `resume` skips the steps that were made before; both need a batch of one. A
    step can be saved only after every `saves_every` timesteps, because `predict` may need what it
    cached in the timesteps before. An exception from `on_step` ends the loop.
    """
    scheduler.set_timesteps(steps, device=noise.device)
    timesteps, latents = scheduler.timesteps, noise * scheduler.init_noise_sigma
    if given is not None:
        timesteps, latents = given.begin(scheduler, noise)
        steps -= given.skipped
    generators = [generator] if isinstance(generator, torch.Generator) else list(generator)
    loop = _Loop(predict, scheduler, guidance, generators, timesteps, steps, latents)
    if resume is not None:
        # All timesteps stay in the scheduler: multistep schedulers count them from the start.
        loop.resume(resume)
    while loop.done < len(timesteps) and loop.generators:
        before = loop.number
        clean = loop.advance()
        if given is not None:
            following = timesteps[loop.done : loop.done + 1]
            loop.latents = given.hold(scheduler, loop.latents, noise, following)
        if loop.number > before:
            whole = loop.done % saves_every == 0
            save = loop.save if whole and loop.savable() else None
            rows = on_step(Step(loop.number, steps, clean, save=save))
            if rows is not None:
                loop.keep(rows)
    return loop.latents


def _step_options(scheduler: Any, generators: list[torch.Generator]) -> dict[str, Any]:
    """The optional arguments of this scheduler's `step`, with the stock pipelines' values."""
    accepted = inspect.signature(scheduler.step).parameters
    options = {"eta": 0.0, "generator": generators[0] if len(generators) == 1 else generators}
    return {name: value for name, value in options.items() if name in accepted}


def _clean_latents(
    scheduler: Any, prediction: torch.Tensor, timestep: torch.Tensor, noisy: torch.Tensor
) -> Callable[[], torch.Tensor]:
    """A function that computes the clean latents of a prediction.

    x0 = a x - s v for v-prediction (Salimans and Ho 2022, section 4) and (x - s e) / a for
    noise, with a = sqrt(alpha_bar_t) and s = sqrt(1 - alpha_bar_t). `noisy` is the model's input,
    because schedulers that keep latents in another scale have converted it to the model's scale.
    """

    def compute() -> torch.Tensor:
        kind = scheduler.config.get("prediction_type", "epsilon")
        index = int(torch.as_tensor(timestep).round().clamp(0, len(scheduler.alphas_cumprod) - 1))
        alpha_bar = scheduler.alphas_cumprod[index].item()
        signal, sigma = math.sqrt(alpha_bar), math.sqrt(1.0 - alpha_bar)
        if kind == "v_prediction":
            return signal * noisy - sigma * prediction
        if kind == "sample":
            return prediction
        return (noisy - sigma * prediction) / signal

    return compute
