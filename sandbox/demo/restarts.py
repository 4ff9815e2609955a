"""Kill processes with SIGKILL between two steps of the demo, and start them again."""

import asyncio
import signal

from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Control

_COMMIT_SECONDS = 0.1
_RESUME_SECONDS = 0.3


async def kill(control: Control, books: DemoDatabase, name: str) -> int:
    """Kill a process of the product with SIGKILL and start it again.

    The function never kills the process while a post is being sent. After such a kill, the product
    would not know whether the post is in the channel. The function first pauses the process. If a
    post is being sent, the function lets the process continue for a moment, and then pauses the
    process again. Returns how often a post was being sent during a pause.
    """
    under_way = 0
    while True:
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGSTOP))
        await asyncio.sleep(_COMMIT_SECONDS)  # by now its last commit is visible
        sending = await books.rows("SELECT id FROM post_jobs WHERE status = 'sending'")
        if not sending:
            break
        under_way += 1
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGCONT))
        await asyncio.sleep(_RESUME_SECONDS)
    await control.post(f"/processes/{name}/kill", signal=int(signal.SIGKILL))
    await control.post(f"/processes/{name}/start")
    return under_way
