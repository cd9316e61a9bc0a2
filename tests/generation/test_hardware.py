"""Detecting devices through torch and the operating system."""

from __future__ import annotations

import re
import subprocess
import sys

import psutil
import pytest
import torch

from generation import hardware
from generation.errors import SettingError
from generation.hardware import RESIDENT_SHARE, available, detect, free_memory


@pytest.mark.parametrize("name", ["cpu", "cpu:0", "cpu:3"])
def test_a_cpu_may_have_any_number(name: str) -> None:
    found = detect(name)

    assert (found.name, found.kind, found.torch_device) == (name, "cpu", torch.device("cpu"))
    assert found.dtype == torch.float32
    assert found.memory_bytes == psutil.virtual_memory().total
    assert found.resident_bytes == int(found.memory_bytes * RESIDENT_SHARE)
    assert re.fullmatch(r".+, \d+ cores?", found.label)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tpu:0", "allowed are cpu and cuda"),
        ("", "allowed are cpu and cuda"),
        ("cpu:one", "write it as cpu:0 or cuda:0"),
        ("cpu:0:1", "write it as cpu:0 or cuda:0"),
        ("cuda:999", "this machine has no such CUDA device"),
    ],
)
def test_a_missing_device_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(SettingError, match=reason) as refusal:
        detect(name)

    assert repr(name) in str(refusal.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA devices")
def test_without_cuda_the_cpu_is_the_only_device() -> None:
    assert available() == ["cpu:0"]
    with pytest.raises(SettingError, match="no such CUDA device"):
        detect("cuda:0")


@pytest.mark.gpu
def test_a_cuda_card_is_used_in_half_precision() -> None:
    first = available()[0]

    found = detect(first)

    assert (first, found.kind, found.dtype) == ("cuda:0", "cuda", torch.float16)
    assert found.memory_bytes > 2**30
    assert detect("cuda").torch_device == found.torch_device


def freeable_by_this_process() -> int:
    return free_memory(torch.device("cpu")) - psutil.virtual_memory().available


def test_memory_of_this_process_counts_as_free_and_that_of_others_does_not() -> None:
    much = 512 * 2**20
    before = freeable_by_this_process()

    hoard = f"held = b'x' * {much}; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hoard], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        beside_another = freeable_by_this_process()
        other.communicate("\n")
    held = b"x" * much
    beside_own = freeable_by_this_process()

    assert abs(beside_another - before) < 0.2 * much
    assert abs(beside_own - before - len(held)) < 0.2 * much
    assert 0 < free_memory(torch.device("cpu")) <= psutil.virtual_memory().total


@pytest.mark.gpu
def test_memory_cached_by_torch_counts_as_free() -> None:
    card = detect("cuda:0").torch_device
    before = free_memory(card)

    held = torch.ones(2**28, device=card)

    assert abs(before - free_memory(card)) < 0.1 * held.nbytes


def test_a_processor_without_a_name_is_labelled_by_its_kind(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systems without /proc, and processors without a model name there."""
    monkeypatch.setattr(hardware, "Path", lambda _: tmp_path / "cpuinfo")
    assert re.fullmatch(r"\w+, \d+ cores?", detect("cpu").label)

    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50\n")
    assert re.fullmatch(r"\w+, \d+ cores?", detect("cpu").label)
