"""A scheduler's state is copied completely, and only if it is plain data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

from generation.pipelines.loop import scheduler_state

CPU = torch.device("cpu")


def halfway(scheduler: Any) -> Any:
    """The scheduler after three of six steps."""
    scheduler.set_timesteps(6)
    latents = torch.ones(1, 4, 2, 2)
    for timestep in scheduler.timesteps[:3]:
        latents = scheduler.step(latents / 2, timestep, latents, return_dict=False)[0]
    return scheduler


def test_a_second_scheduler_continues_from_the_state_of_the_first() -> None:
    first, second = halfway(UniPCMultistepScheduler()), UniPCMultistepScheduler()
    second.set_timesteps(4)
    scheduler_state.put_back(second, scheduler_state.take(first), CPU)

    assert vars(first).keys() == vars(second).keys()
    timestep, latents = first.timesteps[3], torch.ones(1, 4, 2, 2)
    assert torch.equal(
        second.step(latents, timestep, latents, return_dict=False)[0],
        first.step(latents, timestep, latents, return_dict=False)[0],
    )


def test_the_configuration_is_not_copied() -> None:
    state = scheduler_state.take(halfway(DPMSolverMultistepScheduler(solver_order=3)))
    other = DPMSolverMultistepScheduler()
    scheduler_state.put_back(other, state, CPU)

    assert "_internal_dict" not in state["values"]
    assert other.config.solver_order == 2


def test_attributes_that_the_first_did_not_have_are_removed() -> None:
    other = DPMSolverMultistepScheduler()
    other.afterthought = 1
    scheduler_state.put_back(
        other, scheduler_state.take(halfway(DPMSolverMultistepScheduler())), CPU
    )

    assert not hasattr(other, "afterthought")


class FakeScheduler:
    """An object with attributes, which is all that copying a state needs of a scheduler."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def test_nested_values_are_copied_with_their_types() -> None:
    array, tensor = np.arange(3), torch.arange(3)
    first = FakeScheduler(a=[(1, None), {"b": array}], c=np.float32(0.1), d=tensor, e=True, f="x")
    state = scheduler_state.take(first)
    array += 1
    tensor += 1
    second = FakeScheduler()
    scheduler_state.put_back(second, state, CPU)

    values = vars(second)
    assert values["a"][0] == (1, None)
    assert values["a"][1]["b"].tolist() == values["d"].tolist() == [0, 1, 2]
    assert isinstance(values["c"], np.float32)
    assert (values["e"], values["f"]) == (True, "x")


@pytest.mark.parametrize("value", [object(), {1}, np.array(["a"]), lambda: None, [b"bytes"]])
def test_other_values_are_refused(value: Any) -> None:
    assert not scheduler_state.can_be_taken(FakeScheduler(good=1, bad=value))
    with pytest.raises(TypeError, match="no plain data"):
        scheduler_state.take(FakeScheduler(good=1, bad=value))


def test_only_tensors_of_the_shape_of_the_latents_are_cut_to_rows() -> None:
    latents = torch.arange(12.0).reshape(3, 4, 1, 1)
    scheduler = FakeScheduler(
        model_outputs=[None, latents], sigmas=torch.arange(3.0), other=object()
    )
    scheduler_state.keep_rows(scheduler, [2, 0], latents.shape)

    values = vars(scheduler)
    assert torch.equal(values["model_outputs"][1], latents[[2, 0]])
    assert len(values["sigmas"]) == 3
