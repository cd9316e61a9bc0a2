"""The loop over the denoising steps: the one place where latents change.

It is ours, and not diffusers', because everything this system promises happens between two
steps: honest progress, previews, cancelling, giving way to urgent work. It holds to the stock
pipelines bit by bit; `tests/generation/test_parity.py` compares the tensors.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

from generation.errors import ModelUnreadable
from generation.pipelines.base import OnStep, Step

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


def denoise(
    predict: Predict,
    scheduler: Any,
    noise: torch.Tensor,
    *,
    steps: int,
    guidance: float,
    generator: torch.Generator,
    on_step: OnStep,
    given: Given | None = None,
) -> torch.Tensor:
    """Turn unit noise (1, C, ..., h, w) into latents of the same shape in `steps` steps.

    With guidance above 1 each model input is doubled, negative first, and the two predictions
    are combined as in classifier-free guidance (Ho and Salimans 2022): n + g (p - n). With
    `given` the first steps are left out. `on_step` may raise to leave the loop; nothing is
    caught here.
    """
    scheduler.set_timesteps(steps, device=noise.device)
    timesteps, latents = scheduler.timesteps, noise * scheduler.init_noise_sigma
    if given is not None:
        timesteps, latents = given.begin(scheduler, noise)
        steps -= given.skipped
    options = _step_options(scheduler, generator)
    reported = 0
    for index, timestep in enumerate(timesteps):
        doubled = torch.cat([latents] * 2) if guidance > 1.0 else latents
        model_input = scheduler.scale_model_input(doubled, timestep)
        prediction = predict(model_input, timestep)
        if guidance > 1.0:
            negative, positive = prediction.chunk(2)
            prediction = negative + guidance * (positive - negative)
        latents = scheduler.step(prediction, timestep, latents, **options, return_dict=False)[0]
        if given is not None:
            latents = given.hold(scheduler, latents, noise, timesteps[index + 1 : index + 2])
        # Some schedulers run the model more often than once a step; a person counts whole steps.
        number = steps * (index + 1) // len(timesteps)
        if number > reported:
            reported = number
            noisy = model_input[:1]
            on_step(Step(number, steps, _clean_latents(scheduler, prediction, timestep, noisy)))
    return latents


def _step_options(scheduler: Any, generator: torch.Generator) -> dict[str, Any]:
    """The optional arguments that this scheduler's step takes, as the stock pipelines pass them."""
    accepted = inspect.signature(scheduler.step).parameters
    return {
        name: value for name, value in (("eta", 0.0), ("generator", generator)) if name in accepted
    }


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
