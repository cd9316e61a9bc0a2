"""Which web pages may open a socket here, and who a connection acts for."""

from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http.request import split_domain_port, validate_host

from studio.environment import LOOPBACK
from studio.models import ApiToken


class SocketGate:
    """Refuses sockets of foreign pages and foreign host names; finds the user behind a token.

    A browser always names the page's origin: it must be one of ours. Scripts name none, and
    prove who they are by a token, except on the embedded loopback.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Close with 4403 what may not come in; pass everything else on."""
        headers = {name.decode(): value.decode("latin1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_ours(host) or (origin is not None and not is_same_origin(origin, host)):
            await receive()
            await send({"type": "websocket.close", "code": 4403})
            return None
        if origin is None and not scope["user"].is_authenticated:
            scope = {**scope, "user": await _script_user(headers, scope.get("client"))}
        return await self.application(scope, receive, send)


def is_open_to(address: str | None) -> bool:
    """True when a connection from this address needs no token: embedded profile and loopback."""
    return bool(settings.GENGA_API_IS_OPEN and address in LOOPBACK)


def local_user() -> Any:
    """Who the open API acts for; nobody when that person does not exist."""
    user = (
        get_user_model().objects.filter(username=settings.GENGA_LOCAL_USER, is_active=True).first()
    )
    return user or AnonymousUser()


def bearer(header: str) -> str | None:
    """The token of an Authorization header; None when there is no header."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@database_sync_to_async
def _script_user(headers: dict[str, str], client: Any) -> Any:
    token = bearer(headers.get("authorization", ""))
    if token is not None:
        return ApiToken.owner_of(token) or AnonymousUser()
    return local_user() if is_open_to(client[0] if client else None) else AnonymousUser()


def is_same_origin(origin: str, host: str) -> bool:
    """True when a page's origin is the very host it asks, port included.

    Compared as text, as Django's CSRF check does: cookies are sent to every port of a machine.
    """
    scheme, _, netloc = origin.partition("://")
    return scheme in ("http", "https") and netloc == host


def is_ours(netloc: str) -> bool:
    """True for a host (with or without port) that this site answers to."""
    domain, _ = split_domain_port(netloc)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
