"""Where form drafts live: Redis, and the process's own memory while Redis is away.

Nobody waits for a dead Redis: one short time-out, then it is left alone for a while. Every draft is
mirrored in memory, so that an open form survives that; what changed meanwhile is read from memory
until its next change reaches Redis.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.15
PAUSE_SECONDS = 3.0
"""How long Redis is left alone after it did not answer."""
KEPT = timedelta(days=7)
REMEMBERED = 5_000
"""Drafts mirrored in memory; the oldest are forgotten first."""


def connect(url: str) -> Redis:
    """Open a client that gives up at once; no connection is made before its first use."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return client


class FormStorage(BaseStorage):
    """aiogram's storage interface over both; never raises because of Redis."""

    def __init__(self, redis: Redis) -> None:
        """Use a client made by `connect`."""
        self._redis = redis
        self._away_until = 0.0
        self._mirror: OrderedDict[str, str | None] = OrderedDict()
        self._unsaved: set[str] = set()

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Keep a state; forms do not use it, aiogram's interface has it."""
        value = state.state if isinstance(state, State) else state
        await self._set(_name(key, "state"), value)

    async def get_state(self, key: StorageKey) -> str | None:
        """Give the state kept last, or None."""
        return await self._get(_name(key, "state"))

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Keep a draft; an empty one is forgotten."""
        await self._set(_name(key, "data"), json.dumps(dict(data)) if data else None)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """Give the draft kept last; an empty one if there is none."""
        value = await self._get(_name(key, "data"))
        data: dict[str, Any] = json.loads(value) if value else {}
        return data

    async def alive(self) -> bool:
        """Tell whether Redis answers now."""
        try:
            await self._redis.get("alive")
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _set(self, name: str, value: str | None) -> None:
        self._remember(name, value)
        self._unsaved.add(name)
        if not self._reachable():
            return
        try:
            if value is None:
                await self._redis.delete(name)
            else:
                await self._redis.set(name, value, ex=KEPT)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)
        else:
            self._unsaved.discard(name)

    async def _get(self, name: str) -> str | None:
        if name in self._unsaved or not self._reachable():
            return self._mirror.get(name)
        try:
            value: str | None = await self._redis.get(name)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)
            return self._mirror.get(name)
        return value

    def _remember(self, name: str, value: str | None) -> None:
        self._mirror[name] = value
        self._mirror.move_to_end(name)
        while len(self._mirror) > REMEMBERED:
            forgotten, _ = self._mirror.popitem(last=False)
            self._unsaved.discard(forgotten)

    def _reachable(self) -> bool:
        return time.monotonic() >= self._away_until

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("redis away", error=type(error).__name__)


def _name(key: StorageKey, part: str) -> str:
    thread = key.thread_id or 0
    return f"form:{key.bot_id}:{key.chat_id}:{thread}:{key.user_id}:{key.destiny}:{part}"
