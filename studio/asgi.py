"""The web process: HTTP by Django, sockets by Channels."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
django_application = get_asgi_application()

# Models can be imported only after the line above.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from generation.queue.watchdog import Watchdog  # noqa: E402
from studio.accounts.web_origin import SocketGate  # noqa: E402
from studio.live.routing import websocket_urlpatterns  # noqa: E402

if "daphne.server" in sys.modules:
    # Not with other servers: importing this loads Twisted.
    from studio.live import slow_clients

    slow_clients.install()

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Watched:
    """An application whose first request or socket starts the watchdog of this process.

    Not the import: programs that only look at the application have no devices to look after.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._watchdog: Watchdog | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one socket."""
        if self._watchdog is None:
            self._watchdog = Watchdog()
            self._watchdog.start()
        await self._inner(scope, receive, send)


protocols = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(SocketGate(URLRouter(websocket_urlpatterns))),
    }
)
application = Watched(protocols)
