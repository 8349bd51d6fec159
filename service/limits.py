"""How many requests are answered at the same time, and for how long: what is beyond is told to come again, with 503.

503, not 504: that one is for a gateway that waited for another server. A request counts from when its body has arrived; slow
senders have limits of their own, in `service.door` and `service.server`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateline.settings import Service
from service.refusals import Refusal

AGAIN = {"Retry-After": "1"}


class Limits:
    """Of one process: `service.max_concurrent` and `service.max_seconds`."""

    def __init__(self, service: Service) -> None:
        self._most, self._seconds = service.max_concurrent, service.max_seconds
        self._running = 0

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Answer a request in here. Raises Refusal (503) where too many are answered already, or when it takes too long.

        What runs on the event loop is not interrupted; what is waited for, a thread or a batch, is waited for no longer.
        """
        if self._running >= self._most:
            told = f"as many requests are being answered as may be at the same time: {self._most} (service.max_concurrent)"
            raise Refusal(503, f"{told}; try again", AGAIN)
        self._running += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise  # a hook's own
            told = f"the prediction took longer than {self._seconds:g} s (service.max_seconds)"
            raise Refusal(503, f"{told}; try again", AGAIN) from None
        finally:
            self._running -= 1
