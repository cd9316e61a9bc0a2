"""Reads the provenance of a stored picture."""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image

from generation.media.images import PROVENANCE_KEY


def read_provenance(png: bytes) -> dict[str, Any]:
    """The provenance that `png_with_provenance` wrote. Raises KeyError when there is none."""
    with Image.open(io.BytesIO(png)) as picture:
        text = picture.info[PROVENANCE_KEY]
    provenance: dict[str, Any] = json.loads(text)
    return provenance
