"""Cause outages of the servers, one at a time, while schedulers work."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from redis.asyncio import Redis

from sandbox import embedded
from sandbox.telegram import ports
from tests.chaos.environment import Environment
from tests.chaos.proxy import Proxy, Streams, run_proxy
from tests.chaos.rounds import Rounds

OUTAGE_SECONDS = (0.3, 2.5)


class Outages:
    """The outages of one run: stopped servers, and cut networks."""

    def __init__(self, environment: Environment, seed: int, proxies: dict[str, Proxy]) -> None:
        self._environment = environment
        self._rng = random.Random(seed)
        self._proxies = proxies
        self._outages: dict[str, Callable[[], Awaitable[None]]] = {
            "PostgreSQL stopped at once": self._stop_postgres,
            "Valkey killed": self._kill_valkey,
            "Valkey frozen": self._freeze_valkey,
            "Valkey emptied": self._empty_valkey,
            "network to PostgreSQL cut": lambda: self._cut("postgres"),
            "network to Valkey cut": lambda: self._cut("valkey"),
            "network to Telegram cut": lambda: self._cut("telegram"),
        }
        self.counts = Counter(dict.fromkeys(self._outages, 0))
        """How many times each outage has happened."""
        self._rounds = Rounds(list(self._outages), self._rng)

    @property
    def rounds(self) -> int:
        """The number of rounds in which every outage has happened."""
        return self._rounds.completed

    def settings(self) -> dict[str, str]:
        """Return the settings with which a scheduler connects through the proxies."""
        password = self._environment.postgres.passwords[embedded.APP]
        at = {name: f"{ports.HOST}:{proxy.port}" for name, proxy in self._proxies.items()}
        return {
            "DATABASE_URL": f"postgresql://{embedded.APP}:{password}@{at['postgres']}/adtech",
            "REDIS_URL": f"redis://{at['valkey']}/0",
            "BOT_API_URL": f"http://{at['telegram']}",
        }

    async def run(self, ended: asyncio.Event, gap_seconds: tuple[float, float]) -> None:
        """Cause outages with gaps of random length until `ended` is set."""
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), self._rng.uniform(*gap_seconds))
                return
            name = self._rounds.draw()
            await self._outages[name]()
            self.counts[name] += 1

    async def _wait(self) -> None:
        await asyncio.sleep(self._rng.uniform(*OUTAGE_SECONDS))

    async def _cut(self, name: str) -> None:
        self._proxies[name].cut()
        await self._wait()
        self._proxies[name].restore()

    async def _stop_postgres(self) -> None:
        server = self._environment.postgres
        server.child.send(signal.SIGQUIT)
        await server.child.wait()
        await server.stop()
        await self._wait()
        self._environment.postgres = await embedded.start_postgres(server.folder)

    async def _kill_valkey(self) -> None:
        server = self._environment.valkey
        server.child.send(signal.SIGKILL)
        await server.child.wait()
        await server.stop()
        await self._wait()
        self._environment.valkey = await embedded.start_valkey(server.folder)

    async def _freeze_valkey(self) -> None:
        pid = self._environment.valkey.child.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await self._wait()
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _empty_valkey(self) -> None:
        redis = Redis.from_url(self._environment.valkey.url)
        await redis.flushall()
        await redis.aclose()


@asynccontextmanager
async def run_outages(environment: Environment, seed: int) -> AsyncIterator[Outages]:
    """Run a proxy in front of each server, and yield the outages."""

    async def to_postgres() -> Streams:
        socket = environment.postgres.socket_folder / ".s.PGSQL.5432"
        return await asyncio.open_unix_connection(socket)

    async def to_valkey() -> Streams:
        return await asyncio.open_unix_connection(environment.valkey.socket)

    async def to_telegram() -> Streams:
        address = urlsplit(environment.telegram.facts["url"])
        return await asyncio.open_connection(address.hostname, address.port)

    async with (
        run_proxy(to_postgres) as postgres,
        run_proxy(to_valkey) as valkey,
        run_proxy(to_telegram) as telegram,
    ):
        proxies = {"postgres": postgres, "valkey": valkey, "telegram": telegram}
        yield Outages(environment, seed, proxies)
