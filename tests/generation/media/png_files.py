"""What a stored picture says of itself."""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image

from generation.media.images import PROVENANCE_KEY


def read_provenance(png: bytes) -> dict[str, Any]:
    """What `png_with_provenance` wrote. Raises KeyError when the file carries none."""
    with Image.open(io.BytesIO(png)) as picture:
        text = picture.info[PROVENANCE_KEY]
    found: dict[str, Any] = json.loads(text)
    return found
