"""Closes connections whose requests do not arrive, or do not end.

Daphne's `--http-timeout` limits only how long an answer takes. Twisted closes connections that send
nothing, but every byte starts its time anew: a client that sends one now and then stays for ever.
Daphne also writes every body to the disk, however large, before Django sees the request.
"""

from typing import Any

from daphne.http_protocol import HTTPFactory
from twisted.web.http import HTTPChannel

from studio.models.uploads import MAX_LORA_BYTES

PATIENCE_SECONDS = 30
ENOUGH_BYTES = 64 * 1024
"""Within PATIENCE_SECONDS a request must be complete, or its next ENOUGH_BYTES must have come.

Twisted takes fewer bytes of headers than that, so they get the time once.
"""

LARGEST_BYTES = MAX_LORA_BYTES + 1024 * 1024
"""The largest upload, and the rest of its form. A larger request is refused while it arrives."""

TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class PatientChannel(HTTPChannel):
    """An HTTP connection whose time starts anew only for a fair amount of data."""

    idle = True
    received = 0
    size = 0

    def connectionMade(self) -> None:  # noqa: N802  (Twisted's name)
        """Start the time until the first request."""
        self.timeOut = PATIENCE_SECONDS
        super().connectionMade()

    def dataReceived(self, data: bytes) -> Any:  # noqa: N802  (Twisted's name)
        """Count what arrives. The first byte of a request starts the time of its headers."""
        if self.idle:
            self._restart()
            self.idle, self.size = False, 0
        self.received += len(data)
        self.size += len(data)
        if self.size > LARGEST_BYTES:
            self.write(TOO_LARGE)
            self.loseConnection()
            return None
        return super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802  (Twisted's name)
        """Start the time of the body."""
        super().allHeadersReceived()
        self._restart()

    def requestDone(self, request: Any) -> None:  # noqa: N802  (Twisted's name)
        """Wait for the next request of the connection."""
        self.idle = True
        super().requestDone(request)

    def resetTimeout(self) -> None:  # noqa: N802  (Twisted's name)
        """Called by Twisted for all data; starts the time anew when enough has arrived."""
        if self.received >= ENOUGH_BYTES:
            self._restart()

    def _restart(self) -> None:
        self.received = 0
        super().resetTimeout()


def install() -> None:
    """Let daphne use these connections. They speak HTTP/1.1; the proxy speaks HTTP/2."""
    HTTPFactory.protocol = PatientChannel
    HTTPFactory.acceptableProtocols = lambda _: [b"http/1.1"]
