"""SIGKILL between two steps."""

import asyncio
import signal

from sandbox.demo.books import Books
from sandbox.demo.people import Control

_SETTLE = 0.1
_LET_GO_ON = 0.3


async def kill(control: Control, books: Books, name: str) -> int:
    """Kill a process of the product and start it again; how often a post was found under way.

    A process that dies while it sends leaves a post of which nobody knows whether it is out: by
    design it is `uncertain` from then on, held and never sent again, and people look into the
    channel. That is no place between two steps. So the process is paused first; if a post is
    under way it goes on for a moment; a process killed in its pause has nothing under way.
    """
    under_way = 0
    while True:
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGSTOP))
        await asyncio.sleep(_SETTLE)  # what it has committed in its last moment is seen now
        sending = await books.rows("SELECT id FROM post_jobs WHERE status = 'sending'")
        if not sending:
            break
        under_way += 1
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGCONT))
        await asyncio.sleep(_LET_GO_ON)
    await control.post(f"/processes/{name}/kill", signal=int(signal.SIGKILL))
    await control.post(f"/processes/{name}/start")
    return under_way
