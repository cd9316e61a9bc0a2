"""The upscalers that a request may choose: the included ones, and those in the data folder."""

from pathlib import Path

from django.conf import settings
from safetensors import SafetensorError

from generation import refusals
from generation.errors import SpecError
from generation.pipelines.model_files import shapes_of
from generation.pipelines.upscale.methods import FIRST_LAYERS, default_name, names_for

OWN_SUFFIXES = {".param", ".safetensors"}


def upscaler_folder() -> Path:
    """The folder of a studio's own upscalers: ncnn's .param with its .bin, or .safetensors."""
    home: Path = settings.GENGA_HOME
    return home / "upscalers"


def converted_folder() -> Path:
    """The folder of upscalers converted from ncnn's format; it may be deleted at any time."""
    home: Path = settings.GENGA_HOME
    return home / "converted"


def upscaler_names(factor: int) -> list[str]:
    """The upscalers that a request may choose, the preferred one first.

    Of a file in the folder only the table is read: whether it enlarges by this factor shows on
    loading. A file that is damaged, or holds no upscaler, is not offered.
    """
    own = {path.stem for path in _own_files() if _is_upscaler(path)}
    known = names_for(factor)
    return [*known, *sorted(own - set(known))]


def choose_upscaler(factor: int, wanted: str | None) -> str:
    """The upscaler for a spec: `wanted`, or else the best one; empty for factor 1.

    Raises SpecError for the field `upscaler` when no upscaler is named `wanted`, also for factor 1.
    """
    if wanted:
        factors = (2, 4) if factor == 1 else (factor,)
        names = dict.fromkeys(name for by in factors for name in upscaler_names(by))
        if wanted not in names:
            raise _not_offered(wanted, ", ".join(names))
    return "" if factor == 1 else wanted or default_name(factor)


def _not_offered(wanted: str, names: str) -> SpecError:
    broken = next((path.name for path in _own_files() if path.stem == wanted), None)
    if broken:
        return SpecError("upscaler", refusals.NO_UPSCALER, names, file=broken)
    return SpecError("upscaler", refusals.UPSCALER_NOT_FOUND, names, name=wanted)


def _own_files() -> list[Path]:
    found = (path for path in upscaler_folder().glob("*") if path.suffix in OWN_SUFFIXES)
    return [path for path in found if path.is_file()]


def _is_upscaler(path: Path) -> bool:
    """Whether a file is whole and has the layers of one of the known architectures."""
    if path.suffix == ".param":
        return path.with_suffix(".bin").is_file()
    try:
        names = shapes_of(path)
    except (OSError, SafetensorError):
        return False
    return any(first in names for first in FIRST_LAYERS)
