"""The loop over the denoising steps: the one place where latents change.

It is ours, and not diffusers', because everything this system promises happens between two
steps: honest progress, previews, cancelling, giving way to urgent work. It holds to the stock
pipelines bit by bit; `tests/generation/pipelines/families/test_parity.py` compares the tensors.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

from generation.errors import ModelUnreadable
from generation.pipelines.loop import scheduler_state
from generation.pipelines.loop.step import LoopState, OnBatchStep, Step

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(model input (B, C, h, w), timestep) to the model's prediction of the same shape."""

SCHEDULER_PARTS = ("alphas_cumprod", "init_noise_sigma", "scale_model_input")
"""What the loop below uses, and what schedulers of other kinds of model do not have."""


@dataclass(frozen=True, slots=True)
class Given:
    """Clean latents (1, C, 1, h, w) that a clip begins with.

    Every frame starts as those latents under the noise of step `skipped`, as in image to image
    (Meng et al. 2022, SDEdit); the first frame is put back under the right noise after every
    step, as in inpainting (Lugmayr et al. 2022, RePaint), and clean in the end.
    """

    latents: torch.Tensor
    skipped: int

    def begin(self, scheduler: Any, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The timesteps to make and the latents (1, C, F, h, w) to make them from."""
        first = self.skipped * scheduler.order
        timesteps = scheduler.timesteps[first:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        every_frame = self.latents.expand_as(noise)
        return timesteps, scheduler.add_noise(every_frame, noise, timesteps[:1])

    def hold(
        self, scheduler: Any, latents: torch.Tensor, noise: torch.Tensor, following: torch.Tensor
    ) -> torch.Tensor:
        """Latents whose first frame is the given one, at the noise of the `following` timestep."""
        first = self.latents
        if len(following):
            first = scheduler.add_noise(first, noise[:, :, :1], following)
        return torch.cat([first, latents[:, :, 1:]], dim=2)


def build_scheduler(own: Any, name: str) -> Any:
    """A fresh scheduler for one render: the model's own class, or the diffusers class `name`.

    A fresh one each time, because schedulers keep state between steps. Raises ModelUnreadable
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
        raise ModelUnreadable(f"{unsuited}: {problem}", hint) from problem
    if not all(hasattr(scheduler, part) for part in SCHEDULER_PARTS):
        raise ModelUnreadable(f"{unsuited}: it is made for another kind of model.", hint)
    return scheduler


@dataclass(slots=True)
class _Loop:
    """Latents (B, C, ..., h, w) on their way, and whatever changes with them."""

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
        """Whole steps made: some schedulers run the model more often than once a step."""
        return self.steps * self.done // len(self.timesteps)

    def advance(self) -> Callable[[], torch.Tensor]:
        """Make the next timestep. Returns what computes the clean latents that it points at."""
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
        """A copy of everything that `resume` needs; for a batch of one only."""
        return LoopState(
            done=self.done,
            latents=self.latents.detach().to("cpu", copy=True),
            generator=self.generators[0].get_state(),
            scheduler=scheduler_state.take(self.scheduler),
            number=self.number,
        )

    def resume(self, state: LoopState) -> None:
        """Go on from a state that was saved; it stays as it is and may be used again."""
        device = self.latents.device
        self.done, self.latents = state.done, state.latents.to(device, copy=True)
        self.generators[0].set_state(state.generator)
        scheduler_state.put_back(self.scheduler, state.scheduler, device)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        scheduler_state.keep_rows(self.scheduler, rows, self.latents.shape)
        self.latents = self.latents[list(rows)]
        self.generators = [self.generators[row] for row in rows]

    def savable(self) -> bool:
        """Whether `save` can copy all there is."""
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

    `generator` is one for each row; rows that `on_step` does not keep are left out from then on.
    With guidance above 1 each model input is doubled, negatives first, and the two predictions
    are combined as in classifier-free guidance (Ho and Salimans 2022): n + g (p - n). With
    `given` the first steps are left out, with `resume` those that were made before; both are for
    one row. Steps are offered to be saved after every `saves_every` timesteps: `predict` may need
    what it kept in those before. `on_step` may raise to leave the loop; nothing is caught here.
    """
    scheduler.set_timesteps(steps, device=noise.device)
    timesteps, latents = scheduler.timesteps, noise * scheduler.init_noise_sigma
    if given is not None:
        timesteps, latents = given.begin(scheduler, noise)
        steps -= given.skipped
    generators = [generator] if isinstance(generator, torch.Generator) else list(generator)
    loop = _Loop(predict, scheduler, guidance, generators, timesteps, steps, latents)
    if resume is not None:
        # Never by cutting the timesteps short: multistep schedulers count them from the start.
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
    """The optional arguments that this scheduler's step takes, as the stock pipelines pass them."""
    accepted = inspect.signature(scheduler.step).parameters
    options = {"eta": 0.0, "generator": generators[0] if len(generators) == 1 else generators}
    return {name: value for name, value in options.items() if name in accepted}


def _clean_latents(
    scheduler: Any, prediction: torch.Tensor, timestep: torch.Tensor, noisy: torch.Tensor
) -> Callable[[], torch.Tensor]:
    """The clean latents that a prediction stands for, computed when asked.

    x0 = a x - s v for v-prediction (Salimans and Ho 2022, section 4) and (x - s e) / a for
    noise, with a = sqrt(alpha_bar_t) and s = sqrt(1 - alpha_bar_t). `noisy` is the model's input:
    schedulers that keep latents in another scale have brought it to that of the model there.
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
