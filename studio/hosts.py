"""The hosts by which browsers reach a server that listens on an address."""

import socket
from contextlib import suppress
from ipaddress import ip_address

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def hosts_of(bind: str) -> list[str]:
    """The hosts to open in a browser for a server that listens on `bind`; IPv6 in brackets.

    With an address that means all interfaces: loopback, and this machine's address in its network.
    """
    with suppress(ValueError):
        if not bind or ip_address(bind).is_unspecified:
            return ["[::1]" if ":" in bind else "127.0.0.1", *_network_address()]
    return [f"[{bind}]" if ":" in bind else bind]


def _network_address() -> list[str]:
    """The address that packets to other networks leave from; empty on a machine without one."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting a datagram socket sends nothing. The address is reserved for documentation.
        probe.connect(("192.0.2.1", 9))
        return [probe.getsockname()[0]]
    return []
