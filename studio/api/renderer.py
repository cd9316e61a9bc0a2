"""The JSON of every answer: readable in a terminal, and with moments as the sockets write them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder

from studio.presentation.status import iso


class MomentEncoder(NinjaJSONEncoder):
    """Moments always to the millisecond; Django leaves `.000` out."""

    def default(self, o: Any) -> Any:
        """What JSON has no type for."""
        return iso(o) if isinstance(o, datetime) else super().default(o)


class ReadableRenderer(JSONRenderer):
    """UTF-8 as it is instead of escapes."""

    encoder_class = MomentEncoder
    json_dumps_params: Mapping[str, Any] = {"ensure_ascii": False}
