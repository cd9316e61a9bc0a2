"""Who a request acts for: the token's owner, or on the open loopback the local user."""

from typing import Any

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase
from ninja.throttling import SimpleRateThrottle

from studio.accounts.web_origin import bearer, is_open_to, is_same_origin, local_user
from studio.models import ApiToken

REALM = "Make a token on the Tokens page and send it as `Authorization: Bearer TOKEN`."


class TokenOrLoopback(AuthBase):
    """`Authorization: Bearer TOKEN`; without one only the embedded loopback is let in."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __call__(self, request: HttpRequest) -> Any:
        """The user, put on the request. Raises AuthenticationError (401)."""
        token = bearer(request.headers.get("Authorization", ""))
        user = _loopback_user(request) if token is None else ApiToken.owner_of(token)
        if user is None or not user.is_authenticated:
            raise AuthenticationError(message=f"No valid token. {REALM}")
        request.user = user
        return user


def _loopback_user(request: HttpRequest) -> Any:
    """The local user, unless a page of another site sits behind the request."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_same_origin(origin, request.get_host()):
        return None
    return local_user() if is_open_to(request.META.get("REMOTE_ADDR")) else None


class SubmitThrottle(SimpleRateThrottle):
    """Bounds submits for each person, so that a script in a loop cannot bury the others."""

    scope = "submit"

    def get_cache_key(self, request: HttpRequest) -> str:
        """Counted by person, whichever token they use."""
        return str(self.cache_format % {"scope": self.scope, "ident": request.user.pk})
