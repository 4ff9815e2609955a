"""Store drafts of forms, and notes for the next process, in Redis and in the process's memory.

The memory replaces Redis while Redis does not answer.
"""

import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey

from bot.redis_link import RedisAwayError, RedisLink

DRAFT_TTL = timedelta(days=7)
REMEMBERED = 5_000
"""The largest number of drafts in memory. The oldest are removed first."""


def connect(url: str) -> RedisLink:
    """Return a link to the Redis at `url` for a FormStorage. Nothing is connected yet."""
    return RedisLink(url, decode_responses=True)


class FormStorage(BaseStorage):
    """aiogram's storage for the drafts of forms. It never raises an error of Redis."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._redis = link.client
        self._memory: OrderedDict[str, str | None] = OrderedDict()
        self._unsaved: set[str] = set()

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Store a state of aiogram's state machine."""
        value = state.state if isinstance(state, State) else state
        await self._set(_key_name(key, "state"), value)

    async def get_state(self, key: StorageKey) -> str | None:
        """Return the stored state, or None."""
        return await self._get(_key_name(key, "state"))

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Store a draft. An empty draft deletes the stored draft."""
        await self._set(_key_name(key, "data"), json.dumps(dict(data)) if data else None)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """Return the stored draft, or an empty draft."""
        value = await self._get(_key_name(key, "data"))
        data: dict[str, Any] = json.loads(value) if value else {}
        return data

    async def write_note(self, name: str, text: str) -> None:
        """Store a note that the next processes read, for DRAFT_TTL."""
        await self._set(f"note:{name}", text)

    async def read_note(self, name: str) -> str | None:
        """Return a note, or None. While Redis is away, only this process's own notes are known."""
        text = await self._get(f"note:{name}")
        self._keep_in_memory(f"note:{name}", text)
        return text

    async def take_note(self, name: str) -> str | None:
        """Delete a note and return it, or None. Of several processes, one gets it."""
        key = f"note:{name}"
        text = self._memory.get(key)
        if key not in self._unsaved:
            with contextlib.suppress(RedisAwayError):
                text = await self._link.ask(lambda: self._redis.getdel(key))
        await self._set(key, None)
        return text

    async def alive(self) -> bool:
        """Return whether Redis answers now."""
        return await self._link.alive()

    async def fault(self) -> str | None:
        """Return why Redis does not answer now, or None if it does. Logs nothing."""
        return await self._link.fault()

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._link.close()

    async def _set(self, name: str, value: str | None) -> None:
        self._keep_in_memory(name, value)
        self._unsaved.add(name)

        async def store() -> None:
            if value is None:
                await self._redis.delete(name)
            else:
                await self._redis.set(name, value, ex=DRAFT_TTL)

        with contextlib.suppress(RedisAwayError):
            await self._link.ask(store)
            self._unsaved.discard(name)

    async def _get(self, name: str) -> str | None:
        if name in self._unsaved:
            return self._memory.get(name)
        try:
            value: str | None = await self._link.ask(lambda: self._redis.get(name))
        except RedisAwayError:
            return self._memory.get(name)
        return value

    def _keep_in_memory(self, name: str, value: str | None) -> None:
        self._memory[name] = value
        self._memory.move_to_end(name)
        while len(self._memory) > REMEMBERED:
            oldest, _ = self._memory.popitem(last=False)
            self._unsaved.discard(oldest)


def _key_name(key: StorageKey, part: str) -> str:
    thread = key.thread_id or 0
    return f"form:{key.bot_id}:{key.chat_id}:{thread}:{key.user_id}:{key.destiny}:{part}"
