"""Authentication of the API: the token's owner, or the local user on the open loopback."""

import logging
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.throttling import SimpleRateThrottle

from studio.accounts.refusals import (
    NO_VALID_TOKEN,
    SCOPE_MISSING,
    TOKEN_EXPIRED,
    Forbidden,
    TokenRefused,
)
from studio.accounts.web_origin import bearer, is_open_to, is_same_origin, local_user
from studio.models import ApiToken, Scope

logger = logging.getLogger(__name__)


class TokenOrLoopback(AuthBase):
    """`Authorization: Bearer TOKEN`. Without a token only the open loopback is accepted."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "token"

    def __call__(self, request: HttpRequest) -> Any:
        """Return the user and set it on the request. Raises TokenRefused and Forbidden."""
        token = bearer(request.headers.get("Authorization", ""))
        if token is None:
            request.user = _loopback_user(request)
        else:
            request.user = token_owner(token, Scope.READ if _only_reads(request) else Scope.RENDER)
        return request.user


def token_owner(secret: str, scope: Scope) -> User:
    """The user for whom a token may do what is in `scope`.

    Raises TokenRefused (401) for an invalid or expired token, Forbidden (403) without the scope.
    """
    token = ApiToken.of(secret)
    if token is None:
        raise TokenRefused(NO_VALID_TOKEN)
    if token.has_expired:
        raise TokenRefused(TOKEN_EXPIRED)
    if scope not in token.scopes:
        raise Forbidden(SCOPE_MISSING, scope=scope)
    token.note_use()
    return token.user


def _only_reads(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD", "OPTIONS")


def _loopback_user(request: HttpRequest) -> Any:
    """The local user. Raises TokenRefused when a page of another site sends the request."""
    origin = request.headers.get("Origin")
    is_foreign = origin is not None and not is_same_origin(origin, request.get_host())
    if not is_foreign and is_open_to(request.META.get("REMOTE_ADDR")):
        user = local_user()
        if user.is_authenticated:
            return user
    raise TokenRefused(NO_VALID_TOKEN)


class SubmitThrottle(SimpleRateThrottle):
    """Limits each person's submits, so that a looping script cannot flood the queue."""

    scope = "submit"

    def get_cache_key(self, request: HttpRequest) -> str:
        """The key of a person, the same for all of their tokens."""
        return str(self.cache_format % {"scope": self.scope, "ident": request.user.pk})

    def allow_request(self, request: HttpRequest) -> bool:
        """Count the request. True, and a line of the log, while the count cannot be reached."""
        try:
            return bool(super().allow_request(request))
        except Exception:
            # A cache's client has exceptions of its own; without its Redis the studio works on.
            logger.exception("the submits of %s were not counted", request.user)
            return True
