"""The web process: HTTP by Django, sockets by Channels."""

import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
django_application = get_asgi_application()

# Models can be imported only after the line above.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from studio.accounts.web_origin import SocketGate  # noqa: E402
from studio.live.routing import websocket_urlpatterns  # noqa: E402

if "daphne.server" in sys.modules:
    # Not with other servers: importing this loads Twisted.
    from studio.live import slow_clients

    slow_clients.install()

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(SocketGate(URLRouter(websocket_urlpatterns))),
    }
)
