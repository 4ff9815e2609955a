"""What happens to the servers while schedulers work and die: one trouble at a time."""

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

from sandbox import embedded, ports
from tests.chaos.environment import Stage
from tests.chaos.proxy import Proxy, Streams, proxy
from tests.chaos.rounds import Deck

TROUBLE_SECONDS = (0.3, 2.5)


class Weather:
    """The servers of a stage behind networks that can be cut."""

    def __init__(self, scene: Stage, seed: int, networks: dict[str, Proxy]) -> None:
        self._scene = scene
        self._random = random.Random(seed)  # noqa: S311 - repeatable is the point
        self._networks = networks
        self._troubles: dict[str, Callable[[], Awaitable[None]]] = {
            "PostgreSQL stopped at once": self._stop_postgres,
            "Valkey killed": self._kill_valkey,
            "Valkey frozen": self._freeze_valkey,
            "Valkey emptied": self._empty_valkey,
            "network to PostgreSQL cut": lambda: self._cut("postgres"),
            "network to Valkey cut": lambda: self._cut("valkey"),
            "network to Telegram cut": lambda: self._cut("telegram"),
        }
        self.seen = Counter(dict.fromkeys(self._troubles, 0))
        """How often each trouble came."""
        self._deck = Deck(list(self._troubles), self._random)

    @property
    def rounds(self) -> int:
        """How often every trouble has come."""
        return self._deck.rounds

    def settings(self) -> dict[str, str]:
        """Where schedulers find the servers: behind the networks."""
        password = self._scene.postgres.passwords[embedded.APP]
        at = {name: f"{ports.HOST}:{network.port}" for name, network in self._networks.items()}
        return {
            "DATABASE_URL": f"postgresql://{embedded.APP}:{password}@{at['postgres']}/adtech",
            "REDIS_URL": f"redis://{at['valkey']}/0",
            "BOT_API_URL": f"http://{at['telegram']}",
        }

    async def rage(self, over: asyncio.Event, calm: tuple[float, float]) -> None:
        """One trouble after the other, each then repaired, with seconds of calm in between."""
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._random.uniform(*calm))
                return
            name = self._deck.draw()
            await self._troubles[name]()
            self.seen[name] += 1

    async def _pass(self) -> None:
        await asyncio.sleep(self._random.uniform(*TROUBLE_SECONDS))

    async def _cut(self, name: str) -> None:
        self._networks[name].cut()
        await self._pass()
        self._networks[name].mend()

    async def _stop_postgres(self) -> None:
        server = self._scene.postgres
        server.child.send(signal.SIGQUIT)
        await server.child.wait()
        await server.stop()
        await self._pass()
        self._scene.postgres = await embedded.start_postgres(server.folder)

    async def _kill_valkey(self) -> None:
        server = self._scene.valkey
        server.child.send(signal.SIGKILL)
        await server.child.wait()
        await server.stop()
        await self._pass()
        self._scene.valkey = await embedded.start_valkey(server.folder)

    async def _freeze_valkey(self) -> None:
        pid = self._scene.valkey.child.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await self._pass()
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _empty_valkey(self) -> None:
        redis = Redis.from_url(self._scene.valkey.url)
        await redis.flushall()
        await redis.aclose()


@asynccontextmanager
async def weather(scene: Stage, seed: int) -> AsyncIterator[Weather]:
    """Networks before the servers of a stage."""

    async def to_postgres() -> Streams:
        return await asyncio.open_unix_connection(scene.postgres.socket_folder / ".s.PGSQL.5432")

    async def to_valkey() -> Streams:
        return await asyncio.open_unix_connection(scene.valkey.socket)

    async def to_telegram() -> Streams:
        address = urlsplit(scene.telegram.facts["url"])
        return await asyncio.open_connection(address.hostname, address.port)

    async with (
        proxy(to_postgres) as postgres,
        proxy(to_valkey) as valkey,
        proxy(to_telegram) as telegram,
    ):
        networks = {"postgres": postgres, "valkey": valkey, "telegram": telegram}
        yield Weather(scene, seed, networks)
