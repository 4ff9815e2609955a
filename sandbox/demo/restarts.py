"""Kill and restart processes between two steps of the demo."""

import asyncio
import signal

from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Control

_COMMIT_SECONDS = 0.1
_RESUME_SECONDS = 0.3


async def kill(control: Control, books: DemoDatabase, name: str) -> int:
    """Kill a process while no post is being sent, and start the process again.

    Returns how often the kill had to wait for a post.
    """
    under_way = 0
    while True:
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGSTOP))
        await asyncio.sleep(_COMMIT_SECONDS)  # by now its last commit is visible
        sending = await books.rows("SELECT id FROM post_jobs WHERE status = 'sending'")
        # A kill during a send would leave it unknown whether the post is in the channel.
        if not sending:
            break
        under_way += 1
        await control.post(f"/processes/{name}/kill", signal=int(signal.SIGCONT))
        await asyncio.sleep(_RESUME_SECONDS)
    await control.post(f"/processes/{name}/kill", signal=int(signal.SIGKILL))
    await control.post(f"/processes/{name}/start")
    return under_way
