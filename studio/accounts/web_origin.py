"""Which web pages may open a socket, and which user a connection acts for."""

from functools import partial
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from studio.hosts import LOOPBACK
from studio.models import ApiToken


class SocketGate:
    """ASGI middleware that refuses sockets of other sites, and authenticates scripts by token.

    A browser always sends the page's origin, which must be this site. Scripts send none; they need
    a token, except on the open loopback.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Close refused connections with 4403; pass on all others.

        `scope["identify"]` finds the user again, as long as the socket is open: a session, a token
        or a person may end before it does.
        """
        headers = {name.decode(): value.decode("latin1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_ours(host) or (origin is not None and not is_same_origin(origin, host)):
            await receive()
            await send({"type": "websocket.close", "code": 4403})
            return None
        if origin is None and not scope["user"].is_authenticated:
            token, address = bearer(headers.get("authorization", "")), _address(scope)
            scope = {
                **scope,
                "user": await database_sync_to_async(_new_script_user)(token, address),
                "identify": partial(_script_user, token, address),
            }
        else:
            identify = partial(_session_user, scope["session"].session_key)
            scope = {**scope, "identify": identify}
        return await self.application(scope, receive, send)


def is_open_to(address: str | None) -> bool:
    """True when a connection from this address needs no token (open loopback)."""
    return bool(settings.GENGA_API_IS_OPEN and address in LOOPBACK)


def client_address(request: HttpRequest) -> str:
    """The address that a request comes from.

    In production it is the last one in X-Forwarded-For, which the proxy in front of the site adds.
    All others in that header are what the client claims. Elsewhere no proxy is expected, and the
    header is not believed.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return direct
    return request.headers.get("X-Forwarded-For", "").split(",")[-1].strip() or direct


def local_user() -> Any:
    """The user that the open API acts for; AnonymousUser when there is none of that name."""
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


def _address(scope: dict[str, Any]) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _new_script_user(token: str | None, address: str | None) -> Any:
    """The user of a script that connects; its token is marked as used."""
    if token is not None:
        ApiToken.owner_of(token)
    return _script_user(token, address)


def _script_user(token: str | None, address: str | None) -> Any:
    if token is not None:
        valid = ApiToken.valid(token)
        return valid.user if valid else AnonymousUser()
    return local_user() if is_open_to(address) else AnonymousUser()


def _session_user(session_key: str | None) -> Any:
    """The user of a session now; AnonymousUser after its end or a change of the password."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return get_user(request)


def is_same_origin(origin: str, host: str) -> bool:
    """True when a page's origin is the requested host, port included.

    The port counts, as in Django's CSRF check, because cookies are sent to every port of a host.
    """
    scheme, _, netloc = origin.partition("://")
    return scheme in ("http", "https") and netloc == host


def is_ours(netloc: str) -> bool:
    """True for a host in ALLOWED_HOSTS, with or without a port."""
    domain, _ = split_domain_port(netloc)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
