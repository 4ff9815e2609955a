"""Ask Redis, and never let a caller wait long for a Redis that does not answer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot import outages, redis_url

CALL_SECONDS = 1.5
"""The longest time that a caller waits for an answer of Redis."""
# A new connection with TLS and a password needs five round trips.
ANSWER_SECONDS = 5.0
"""A call that nobody waits for any more is given up after this time."""
PAUSE_SECONDS = 3.0
"""While Redis does not answer, it is asked again in the background after this time."""
_ERRORS = (RedisError, OSError, TimeoutError)

Answer = TypeVar("Answer")


class RedisAwayError(Exception):
    """Redis does not answer now."""


class RedisLink:
    """The connections of one user of Redis, for example of the rate limiter.

    After an error or a late answer, Redis counts as away. Then all calls fail at once, until the
    late answer arrives or Redis answers to a call in the background.
    """

    def __init__(self, url: str, *, decode_responses: bool = False) -> None:
        """Prepare the link. Nothing is connected before the first call."""
        self.client, self._others = open_clients(url, decode_responses=decode_responses)
        self.is_away = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: asyncio.Task[None] | None = None

    async def ask(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the result of a call of `client`. Raises RedisAwayError after CALL_SECONDS.

        The call may go on in the background for some seconds. After a broken connection, the call
        is repeated once.
        """
        if self.is_away:
            raise RedisAwayError
        cause: BaseException = TimeoutError()
        give_up_at = asyncio.get_running_loop().time() + CALL_SECONDS
        for _ in range(2):
            task = self._start(self._limited(call))
            left = give_up_at - asyncio.get_running_loop().time()
            await asyncio.wait({task}, timeout=max(left, 0.001))
            if not task.done():
                # The answer may only be late, for example over a new connection.
                task.add_done_callback(self._note_late_answer)
                cause = TimeoutError("no answer in time")
                break
            error = task.exception()
            if error is None:
                return task.result()
            if not isinstance(error, _ERRORS):
                raise error
            cause = error
        self._go_away(cause)
        raise RedisAwayError

    async def alive(self) -> bool:
        """Return whether Redis answers now."""
        try:
            await self.ask(self._ping)
        except RedisAwayError:
            return False
        return True

    async def fault(self) -> str | None:
        """Return why Redis does not answer now, or None if it does. Logs nothing."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._ping()
        except _ERRORS as error:
            return outages.cause_of(error)
        return None

    async def close(self) -> None:
        """Close the connections, and end the calls in the background."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in (self.client, *self._others):
            with contextlib.suppress(*_ERRORS):
                await client.aclose()

    def _start(self, work: Awaitable[Answer]) -> asyncio.Task[Answer]:
        task = asyncio.ensure_future(work)
        self._tasks.add(cast("asyncio.Task[Any]", task))
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # otherwise, asyncio logs an error that nobody waited for

    async def _limited(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await call()

    async def _ping(self) -> object:
        # Any server of a cluster may answer to a ping, but only the right one to this.
        return await self.client.get("alive")

    def _go_away(self, cause: BaseException) -> None:
        outages.log_away(outages.REDIS, why=outages.cause_of(cause))
        self.is_away = True
        if self._waiting is None or self._waiting.done():
            self._waiting = self._start(self._wait_for_answer())

    async def _wait_for_answer(self) -> None:
        """Ask Redis again and again until it answers."""
        while self.is_away:
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self._limited(self._ping)
            except _ERRORS as error:
                outages.log_away(outages.REDIS, why=outages.cause_of(error))
                continue
            self.is_away = False

    def _note_late_answer(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is None:
            self.is_away = False


def open_clients(url: str, *, decode_responses: bool) -> tuple[Redis, list[Redis]]:
    """Return a client of the Redis at `url`, and the clients of Sentinel that belong to it."""
    place = redis_url.parse(url)
    limits: dict[str, Any] = {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    options = limits | {"decode_responses": decode_responses} | place.options
    if place.kind == "cluster":
        from redis.asyncio.cluster import ClusterNode, RedisCluster  # noqa: PLC0415 - rarely used

        nodes = [ClusterNode(host, port) for host, port in place.hosts]
        options.pop("db", None)
        return cast("Redis", RedisCluster(startup_nodes=nodes, **options)), []
    if place.kind == "sentinel":
        from redis.asyncio.sentinel import Sentinel  # noqa: PLC0415 - rarely used

        others = limits | place.sentinel_options
        sentinel = Sentinel(place.hosts, sentinel_kwargs=others)  # type: ignore[no-untyped-call]  # redis has no types here
        client: Redis = sentinel.master_for(place.service, **options)
        return client, list(sentinel.sentinels)
    for host, port in place.hosts:
        options |= {"host": host, "port": port}
    return Redis(**options), []
