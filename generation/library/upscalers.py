"""The upscalers that a request may choose: the included ones, and those in the data folder."""

from pathlib import Path

from django.conf import settings

from generation import refusals
from generation.errors import SpecError
from generation.pipelines.upscale.methods import default_name, names_for

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

    Files in the folder are listed unread: whether one enlarges by this factor shows on loading.
    """
    own = {path.stem for path in upscaler_folder().glob("*") if path.suffix in OWN_SUFFIXES}
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
            raise SpecError("upscaler", refusals.UPSCALER_NOT_FOUND, ", ".join(names), name=wanted)
    return "" if factor == 1 else wanted or default_name(factor)
