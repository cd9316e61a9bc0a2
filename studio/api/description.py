"""The OpenAPI description, with the headers of answers, which Ninja has no word for."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

AGAIN_LATER = (429, 503)
RETRY_AFTER = {
    "description": "Seconds after which to try again.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}


class DescribedAPI(NinjaAPI):
    """An API whose description says when to try again."""

    def get_openapi_schema(self, **asked: Any) -> OpenAPISchema:
        """The description as it is served."""
        schema = super().get_openapi_schema(**asked)
        for calls in schema["paths"].values():
            for call in calls.values():
                for status in call["responses"].keys() & set(AGAIN_LATER):
                    headers = call["responses"][status].setdefault("headers", {})
                    headers["Retry-After"] = RETRY_AFTER
        return schema
