"""Authentication of the API: the token's owner, or the local user on the open loopback."""

from typing import Any

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security.base import AuthBase
from ninja.throttling import SimpleRateThrottle

from studio.accounts.refusals import NO_VALID_TOKEN
from studio.accounts.web_origin import bearer, is_open_to, is_same_origin, local_user
from studio.models import ApiToken


class TokenOrLoopback(AuthBase):
    """`Authorization: Bearer TOKEN`. Without a token only the open loopback is accepted."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __call__(self, request: HttpRequest) -> Any:
        """Return the user and set it on the request. Raises AuthenticationError (401)."""
        token = bearer(request.headers.get("Authorization", ""))
        user = _loopback_user(request) if token is None else ApiToken.owner_of(token)
        if user is None or not user.is_authenticated:
            raise AuthenticationError(message=NO_VALID_TOKEN.say())
        request.user = user
        return user


def _loopback_user(request: HttpRequest) -> Any:
    """The local user; None when a page of another site sends the request."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_same_origin(origin, request.get_host()):
        return None
    return local_user() if is_open_to(request.META.get("REMOTE_ADDR")) else None


class SubmitThrottle(SimpleRateThrottle):
    """Limits each person's submits, so that a looping script cannot flood the queue."""

    scope = "submit"

    def get_cache_key(self, request: HttpRequest) -> str:
        """The key of a person, the same for all of their tokens."""
        return str(self.cache_format % {"scope": self.scope, "ident": request.user.pk})
