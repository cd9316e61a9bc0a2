"""Networks in ncnn's format are converted once, without any change of their numbers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from django.conf import settings

from generation.errors import ModelMissing, ModelUnreadable, OutputUnwritable
from generation.pipelines.upscale import ncnn
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.methods import UPSCALERS
from generation.pipelines.upscale.network_files import assemble, read_factor, read_network

QUICK, SLOW = UPSCALERS["realesr-animevideov3"], UPSCALERS["realesrgan-x4plus-anime"]


@pytest.fixture
def param(tmp_path: Path) -> Path:
    """A private copy of the fast network, in a folder of its own."""
    folder = tmp_path / "own"
    folder.mkdir()
    source = QUICK.path(2)
    shutil.copy(source.with_suffix(".bin"), folder / "mine.bin")
    return Path(shutil.copy(source, folder / "mine.param"))


@pytest.mark.parametrize(
    "param", [QUICK.path(2), QUICK.path(3), QUICK.path(4), SLOW.path(4)], ids=lambda path: path.stem
)
@torch.inference_mode()
def test_a_converted_network_is_bit_identical_to_the_one_in_the_ncnn_files(
    param: Path, tmp_path: Path
) -> None:
    plan = ncnn.read_plan(param)
    shapes = {name: weight.shape for name, weight in plan.network().state_dict().items()}
    weights = ncnn.read_weights(param, shapes)
    pictures = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))

    network = read_network(as_safetensors(param, tmp_path))

    assert network.plan == plan
    read = network.state_dict()
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weight) for name, weight in weights.items())
    assert torch.equal(network(pictures), assemble(plan, weights)(pictures))


def test_a_factor_that_does_not_follow_from_the_shapes_is_kept(tmp_path: Path) -> None:
    assert [read_factor(as_safetensors(QUICK.path(n), tmp_path)) for n in (2, 3, 4)] == [2, 3, 4]


def test_a_network_is_converted_once_and_again_when_it_changed(param: Path, tmp_path: Path) -> None:
    first = as_safetensors(param, tmp_path / "converted")
    written = first.stat().st_mtime_ns

    assert as_safetensors(param, tmp_path / "converted") == first
    assert first.stat().st_mtime_ns == written

    shutil.copy(QUICK.path(4), param)
    changed = as_safetensors(param, tmp_path / "converted")
    assert changed != first
    assert read_factor(changed) == 4


def test_safetensors_are_used_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"

    assert as_safetensors(path, tmp_path / "converted") == path
    assert not (tmp_path / "converted").exists()


def test_a_failed_conversion_leaves_no_file(param: Path, tmp_path: Path) -> None:
    weights = param.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:-4])

    with pytest.raises(ModelUnreadable, match=r"mine\.param"):
        as_safetensors(param, tmp_path / "converted")
    weights.unlink()
    with pytest.raises(ModelMissing, match=r"mine\.bin"):
        as_safetensors(param, tmp_path / "converted")
    assert not (tmp_path / "converted").exists()


def test_a_folder_that_cannot_be_written_is_reported(param: Path, tmp_path: Path) -> None:
    (tmp_path / "converted").touch()

    with pytest.raises(OutputUnwritable, match=r"mine-.*safetensors cannot be written"):
        as_safetensors(param, tmp_path / "converted")


PROGRAM = """
import sys
from pathlib import Path
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.network_files import read_network
print("ready", flush=True)
sys.stdin.readline()
path = as_safetensors(Path(sys.argv[1]), Path(sys.argv[2]))
read_network(path)
print(path, flush=True)
"""


def test_two_processes_may_convert_at_once(tmp_path: Path) -> None:
    """Both wait for a signal, so that they convert at the same moment."""
    converted = tmp_path / "converted"
    command = [sys.executable, "-c", PROGRAM, str(SLOW.path(4)), str(converted)]
    both = [
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    paths = {process.communicate()[0].strip() for process in both}

    assert [process.returncode for process in both] == [0, 0]
    assert paths == {str(path) for path in converted.iterdir()}, "one whole file and nothing else"


def test_reading_a_network_does_not_import_ncnn() -> None:
    program = (
        "import sys; import generation.pipelines.upscale.network_files; "
        "assert 'generation.pipelines.upscale.ncnn' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, check=True)
