"""The upscalers that may be asked for: those that ship, and those of the data folder."""

from pathlib import Path

from django.conf import settings

from generation.errors import SpecError
from generation.pipelines.upscale.methods import default_name, names_for

OWN_SUFFIXES = {".param", ".safetensors"}


def upscaler_folder() -> Path:
    """Where further upscalers lie: ncnn's .param with its .bin, or .safetensors."""
    home: Path = settings.GENGA_HOME
    return home / "upscalers"


def converted_folder() -> Path:
    """Where upscalers in ncnn's form are once they are converted; it may be deleted at any time."""
    home: Path = settings.GENGA_HOME
    return home / "converted"


def upscaler_names(factor: int) -> list[str]:
    """The upscalers that may be asked for, the preferred one first.

    Whether a file of the folder really enlarges by this factor is known when it is loaded.
    """
    own = {path.stem for path in upscaler_folder().glob("*") if path.suffix in OWN_SUFFIXES}
    known = names_for(factor)
    return [*known, *sorted(own - set(known))]


def choose_upscaler(factor: int, wanted: str | None) -> str:
    """The name for a spec: the one wanted, else the best there is; empty where nothing grows.

    Raises SpecError naming `upscaler` for a name that there is not.
    """
    if factor == 1:
        return ""
    names = upscaler_names(factor)
    if wanted and wanted not in names:
        raise SpecError("upscaler", f"There is no upscaler {wanted!r}.", ", ".join(names))
    return wanted or default_name(factor)
