"""The right of an open socket to deliver, which is looked at again as long as it is open."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 5.0
"""A right is never older than this at a delivery. A change that is told is heard at once."""

FORBIDDEN, OPEN_AGAIN = 4403, 1012
"""Close codes: the person has lost the right; the page should connect again."""


class Permit:
    """Delivers to one socket while its person has the right to it, and closes it afterwards.

    `refusal` looks at the right: None, or the code to close with. `send` and `close` are the
    socket's. Belongs to one event loop.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        refusal: Callable[[], Awaitable[int | None]],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self._send = send
        self._refusal = refusal
        self._close = close
        self._doubted = asyncio.Event()
        self._looked_at = asyncio.get_running_loop().time()
        self._ended = False
        self._lock = asyncio.Lock()
        self._watch = asyncio.create_task(self._run())

    def doubt(self) -> None:
        """Look at the right again before the next delivery, and soon in any case."""
        self._doubted.set()

    async def deliver(self, text: str) -> None:
        """Send a text; nothing once the right has ended."""
        async with self._lock:
            if not self._is_fresh():
                await self._look()
            if not self._ended:
                await self._send(text)

    async def end(self) -> None:
        """Stop looking, because the socket is closed."""
        self._ended = True
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch

    def _is_fresh(self) -> bool:
        age = asyncio.get_running_loop().time() - self._looked_at
        return not self._doubted.is_set() and age < LOOK_AGAIN_SECONDS

    async def _run(self) -> None:
        while not self._ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._doubted.wait(), LOOK_AGAIN_SECONDS)
            async with self._lock:
                await self._look()

    async def _look(self) -> None:
        """Close the socket if the right has ended, or if that cannot be found out."""
        if self._ended:
            return
        # Before the look: a change during it is looked at again.
        self._doubted.clear()
        self._looked_at = asyncio.get_running_loop().time()
        try:
            code = await self._refusal()
        except Exception:
            logger.exception("the right of a socket could not be looked at")
            code = OPEN_AGAIN
        if code is not None:
            self._ended = True
            await self._close(code)
