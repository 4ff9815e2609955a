"""Limit how many handlers work at once.

Each may use a connection of the database. A handler needs no slot while it waits for Telegram, or
for a statement that handlers share: such a statement uses one connection for all of them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class _Holder:
    """A handler that has a slot, and gives the slot back while it waits."""

    slots: "HandlerSlots"
    has_slot: bool = True
    waits: int = 0
    """The number of calls that the handler waits for now."""


_holder: ContextVar[_Holder | None] = ContextVar("holder", default=None)


class HandlerSlots:
    """A fixed number of slots. A handler that goes on gets a slot before any new handler."""

    def __init__(self, most: int) -> None:
        """Start with `most` free slots."""
        self._free = most
        self._new: deque[asyncio.Future[None]] = deque()
        self._going_on: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, goes_on: bool = False) -> None:
        """Wait for a slot. `goes_on` is True for a handler that has had a slot before."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._going_on if goes_on else self._new).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a slot to the next handler that waits for one."""
        for queue in (self._going_on, self._new):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a slot in the `with` block, except in a block of `waiting`."""
        await self.acquire()
        holder = _Holder(self)
        outer = _holder.get()
        _holder.set(holder)
        try:
            yield
        finally:
            # At the end of an event loop, this may run in another context, in which a token of
            # this context cannot be reset.
            if _holder.get() is holder:
                _holder.set(outer)
            if holder.has_slot:
                self.release()


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """Leave the slot of the present handler to others in the `with` block.

    Several blocks of one handler may run at the same time. The last one takes a slot again.
    """
    holder = _holder.get()
    if holder is None:
        yield
        return
    if holder.has_slot:
        holder.has_slot = False
        holder.slots.release()
    holder.waits += 1
    try:
        yield
    finally:
        holder.waits -= 1
        if holder.waits == 0:
            await holder.slots.acquire(goes_on=True)
            holder.has_slot = True
