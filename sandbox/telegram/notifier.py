"""Let calls wait until the state of the simulated Telegram changes."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Notifier:
    """The calls that wait for a change of the simulated Telegram's state."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()
        self.closed = False

    def notify(self) -> None:
        """Let all waiting calls check their conditions."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def close(self) -> None:
        """End all present and later waits immediately."""
        self.closed = True
        self.notify()

    async def wait(self, check: Callable[[], T | None], seconds: float) -> T | None:
        """Wait until `check` returns a value that is not None, and return this value.

        Returns None after `seconds` of real time, or when the notifier is closed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            result = check()
            remaining = deadline - loop.time()
            if result is not None or remaining <= 0 or self.closed:
                return result
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter, remaining)
            except TimeoutError:
                pass
            finally:
                self._waiters.discard(waiter)
