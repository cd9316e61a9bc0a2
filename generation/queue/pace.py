"""Whether time has gone on evenly for this process, so that it can judge the leases of others.

When a machine wakes up, a clock is set forward or a database was locked for long, all leases are
over at once, although every worker lives. Whoever looks first would take away their jobs. After
such a gap a process therefore waits for some heartbeats, in which living workers renew them.
"""

import time

from django.conf import settings

SETTLE_BEATS = 3


class Pace:
    """Compares two clocks from look to look: one stands still while a machine is suspended."""

    def __init__(self) -> None:
        self._seen = _clocks()
        self._even_since = self._seen[0]

    def is_even(self) -> bool:
        """Whether no gap is near. Call it in every heartbeat, after a write to the database."""
        before, self._seen = self._seen, _clocks()
        beat = settings.GENGA_HEARTBEAT_SECONDS
        # The lease of a living worker was renewed at most a heartbeat before the gap. Two
        # heartbeats are no gap, however short the leases are.
        longest = max(settings.GENGA_LEASE_SECONDS - beat, 2 * beat)
        if any(abs(now - then) > longest for now, then in zip(self._seen, before, strict=True)):
            self._even_since = self._seen[0]
        return self._seen[0] - self._even_since >= SETTLE_BEATS * beat


def _clocks() -> tuple[float, float]:
    """The monotonic clock and the wall clock, in seconds."""
    return time.monotonic(), time.time()
