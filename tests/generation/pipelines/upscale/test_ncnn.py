"""ncnn's files: Real-ESRGAN's own are converted exactly, all others are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.ncnn import FLOAT16_TAG, read_plan
from generation.pipelines.upscale.network_files import read_network as read_safetensors
from generation.pipelines.upscale.networks import (
    CompactPlan,
    ResidualPlan,
    RRDBNet,
    SRVGGNetCompact,
)
from generation.pipelines.upscale.upscale import UPSCALERS

COMPACT = UPSCALERS["realesr-animevideov3"]
RESIDUAL = UPSCALERS["realesrgan-x4plus-anime"]


def read_network(param: Path) -> SRVGGNetCompact | RRDBNet:
    """The network as a render reads it: converted into a new folder, then loaded from there."""
    with TemporaryDirectory() as folder:
        return read_safetensors(as_safetensors(param, Path(folder)))


def blobs(data: bytes, shapes: list[torch.Size]) -> list[np.ndarray]:
    """The numbers of a .bin, read independently: float16 where a shape has four axes."""
    found, start = [], 0
    for shape in shapes:
        kind = "<f2" if len(shape) == 4 else "<f4"
        start += 4 if len(shape) == 4 else 0
        found.append(np.frombuffer(data, kind, shape.numel(), start))
        start += found[-1].nbytes
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A private copy of the fast network's two files."""
    source = COMPACT.path(4)
    shutil.copy(source.with_suffix(".bin"), tmp_path / "mine.bin")
    return Path(shutil.copy(source, tmp_path / "mine.param"))


@pytest.mark.parametrize(
    ("path", "plan", "parameters"),
    [
        (COMPACT.path(2), CompactPlan(width=64, depth=16, shuffle=4, shrink=0.5), 621_424),
        (COMPACT.path(3), CompactPlan(width=64, depth=16, shuffle=4, shrink=0.75), 621_424),
        (COMPACT.path(4), CompactPlan(width=64, depth=16, shuffle=4), 621_424),
        (RESIDUAL.path(4), ResidualPlan(width=64, growth=32, blocks=6), 4_467_779),
        (
            RESIDUAL.path(4).with_name("REALESRGAN_X4PLUS_UP4X.param"),
            ResidualPlan(width=64, growth=32, blocks=23),
            16_697_987,
        ),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
def test_the_architecture_is_recognised_and_every_byte_is_used(
    path: Path, plan: CompactPlan | ResidualPlan, parameters: int
) -> None:
    assert read_plan(path) == plan
    weights = read_network(path).state_dict()

    assert sum(weight.numel() for weight in weights.values()) == parameters
    padded = sum(
        4 + weight.numel() * 2 + weight.numel() % 2 * 2 if weight.ndim == 4 else weight.numel() * 4
        for weight in weights.values()
    )
    assert padded == path.with_suffix(".bin").stat().st_size


@pytest.mark.parametrize(
    ("path", "corner", "inside", "edge"),
    [
        (
            COMPACT.path(2),
            (15.14, 7.21, 11.19),
            (92.02, 196.24, 169.41),
            (185.59, 17.68, 148.6),
        ),
        (
            COMPACT.path(3),
            (15.39, 6.66, 10.61),
            (185.86, 232.75, 293.19),
            (49.29, 24.12, 205.63),
        ),
        (
            COMPACT.path(4),
            (15.63, 6.06, 10.22),
            (143.34, 108.02, 149.58),
            (191.14, -9.62, 70.5),
        ),
        (
            RESIDUAL.path(4),
            (29.92, 8.63, 22.43),
            (125.28, 101.18, 169.62),
            (210.82, -9.58, 89.45),
        ),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else "",
)
@torch.inference_mode()
def test_a_picture_equals_that_of_ncnn_itself(
    path: Path, corner: tuple[float, ...], inside: tuple[float, ...], edge: tuple[float, ...]
) -> None:
    """The numbers are the output of the ncnn package 1.0.20261020 in float32, in grey levels."""
    rows, columns = np.mgrid[:12, :16]
    red, green = (rows * 37 + columns * 11) % 256, (columns * columns * 5) % 256
    pixels = np.stack([red, green, (rows * rows * 3 + columns * 29) % 256])

    enlarged = read_network(path)(torch.from_numpy(pixels)[None].float() / 255)[0] * 255

    for (row, column), wanted in (((0, 0), corner), ((10, 21), inside), ((23, 5), edge)):
        assert enlarged[:, row, column].tolist() == pytest.approx(wanted, abs=0.02)


def test_float32_weights_are_read_too(copy: Path) -> None:
    network = read_network(copy)
    shapes = [weight.shape for weight in network.state_dict().values()]
    halves = blobs(copy.with_suffix(".bin").read_bytes(), shapes)
    floats = [
        (bytes(4) if len(shape) == 4 else b"") + half.astype("<f4").tobytes()
        for half, shape in zip(halves, shapes, strict=True)
    ]

    copy.with_suffix(".bin").write_bytes(b"".join(floats))

    read = read_network(copy).state_dict()
    assert all(torch.equal(read[name], weight) for name, weight in network.state_dict().items())


@pytest.mark.parametrize(
    ("activation", "slope"), [("9=1", 0.0), ("9=2 -23310=1,1.000000e-01", 0.1)]
)
def test_an_odd_blob_is_padded_and_a_merged_activation_keeps_its_slope(
    activation: str, slope: float, tmp_path: Path
) -> None:
    lines = [
        "7767517",
        "7 8",
        "Input in 0 1 data 0=640 1=480 2=3",
        "Split split 1 2 data a b",
        f"Convolution first 1 1 a c 0=1 1=3 4=1 5=1 6=27 {activation}",
        "Convolution last 1 1 c d 0=12 1=3 4=1 5=1 6=108",
        "PixelShuffle up 1 1 d e 0=2",
        "Interp base 1 1 b f 0=1 1=2.000000e+00 2=2.000000e+00",
        "BinaryOp sum 2 1 e f output",
    ]
    path = tmp_path / "small.param"
    path.write_text("\n".join(lines) + "\n")
    tag = FLOAT16_TAG.to_bytes(4, "little")
    first, last = np.arange(27, dtype="<f2"), np.arange(108, dtype="<f2")
    biases = np.array([7], "<f4").tobytes(), np.arange(12, dtype="<f4").tobytes()
    data = [tag, first.tobytes(), bytes(2), biases[0], tag, last.tobytes(), biases[1]]
    path.with_suffix(".bin").write_bytes(b"".join(data))

    assert read_plan(path) == CompactPlan(width=1, depth=0, shuffle=2, slope=slope)
    weights = read_network(path).state_dict()
    assert weights["body.0.weight"].flatten().tolist() == list(range(27))
    assert weights["body.0.bias"].tolist() == [7]
    assert weights["body.2.bias"].tolist() == list(range(12))


def replaced(old: str, new: str, count: int = 1) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    return change


def with_weights(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        weights = path.with_suffix(".bin")
        weights.write_bytes(change(weights.read_bytes()))

    return rewrite


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replaced("7767517", "1234567"), "does not begin as an ncnn .param does"),
        (replaced("40 41", "41 41"), "announces 41 layers and holds 40"),
        (replaced("1 1 56 57 0=64 1=3", "1 1 56 57 0=64 1=5"), "layers are those of neither"),
        (replaced("PReLU ", "Sigmoid "), "layers are those of neither"),
        (replaced("1 1 57 59", "1 1 54 59"), "layers are those of neither"),
        (replaced("1 1 57 59", "1 1 nowhere 59"), "nowhere"),
        (replaced("0=1 1=4.000000e+00", "0=2 1=4.000000e+00"), "layers are those of neither"),
        (replaced("0=64 1=3 4=1 5=1 6=1728", "0=nan 1=3 4=1 5=1 6=1728"), "cannot be used"),
        (replaced("0=64 1=3 4=1 5=1 6=1728", "0=inf 1=3 4=1 5=1 6=1728"), "cannot be used"),
        (lambda path: path.write_text("7767517"), "cannot be used"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "cannot be used"),
        (with_weights(lambda data: data[:-4]), "shorter than the .param says"),
        (with_weights(lambda data: b""), "shorter than the .param says"),
        (with_weights(lambda data: data + bytes(4)), "the .param explains 1247368"),
        (with_weights(lambda data: b"\x38\x4b\x0d\x00" + data[4:]), "of the kind 0x000d4b38"),
        (with_weights(lambda data: data[:4] + b"\x00\x7e" + data[6:]), "not finite"),
    ],
)
def test_a_changed_file_is_refused_with_its_name_and_the_allowed_ones(
    change: Callable[[Path], object], reason: str, copy: Path
) -> None:
    change(copy)

    with pytest.raises(ModelUnreadable) as refused:
        read_network(copy)

    assert "mine.param" in refused.value.message
    assert reason in refused.value.message
    assert "SRVGGNetCompact or RRDBNet" in refused.value.hint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-23310=1,2.000000e-01", "-23310=1,3.000000e-01"),
        ("-23301=2,2.000000e-01,1.000000e+00", "-23301=2,1.000000e+00,1.000000e+00"),
        ("195_splitncnn_2 198_splitncnn_2 199", "198_splitncnn_2 195_splitncnn_2 199"),
        ("Eltwise                  Add_16", "BinaryOp                 Add_16"),
    ],
)
def test_a_dense_network_with_one_changed_number_or_connection_is_refused(
    old: str, new: str, tmp_path: Path
) -> None:
    path = tmp_path / "dense.param"
    shutil.copy(RESIDUAL.path(4).with_suffix(".bin"), path.with_suffix(".bin"))
    text = RESIDUAL.path(4).read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ModelUnreadable, match="layers are those of neither"):
        read_network(path)


def test_a_param_without_its_bin_is_missing(copy: Path) -> None:
    copy.with_suffix(".bin").unlink()

    with pytest.raises(ModelMissing, match=r"mine\.bin"):
        read_network(copy)
