"""Test the storage of form data while Redis is frozen, absent or restarted."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiogram.fsm.storage.base import StorageKey

from bot import redis_link, storage
from sandbox import embedded
from tests.conftest import Database
from tests.factories import valkeys
from tests.handlers.marketplace import Marketplace, open_marketplace

KEY = StorageKey(bot_id=1, chat_id=2, user_id=2)


@dataclass
class Frozen:
    """A server that accepts connections and never answers, as a frozen Redis does."""

    url: str
    taken: list[asyncio.StreamWriter]


@pytest.fixture
async def frozen() -> AsyncIterator[Frozen]:
    taken: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield Frozen(f"redis://127.0.0.1:{port}/0", taken)
    server.close()
    for writer in taken:
        writer.close()
    await asyncio.gather(*(w.wait_closed() for w in taken), return_exceptions=True)


async def test_a_frozen_redis_costs_one_short_wait(
    database: Database, tmp_path: Path, frozen: Frozen
) -> None:
    async with open_marketplace(database, tmp_path, redis_url=frozen.url) as market:
        await market.say("advertiser", "/start")
        begun = time.monotonic()
        await market.make_campaign()
        pauses = (time.monotonic() - begun) / redis_link.PAUSE_SECONDS
        # A form asks its storage dozens of times. Redis is tried one time, then after each pause.
        assert len(frozen.taken) <= 2 + pauses
        assert await market.value("SELECT status FROM campaigns") == "active"


async def test_money_never_touches_redis(market: Marketplace) -> None:
    """Check that campaigns can be activated and paused without Redis."""
    await market.make_campaign(active=False)
    market.dependencies.storage = None  # type: ignore[assignment]  # any use fails
    await market.press("advertiser", "🚀 Activate")
    await market.press("advertiser", "⏸ Pause")
    assert await market.value("SELECT status FROM campaigns") == "paused"
    await market.say("admin", "/queue", where="group")
    assert "Nothing waits" in await market.last("group")
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_a_draft_survives_a_restart_of_redis(tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    server = await embedded.start_valkey(folder)
    kept = storage.FormStorage(storage.connect(server.url))
    try:
        await kept.set_data(KEY, {"name": "Bakery"})
        await server.stop()
        assert await kept.get_data(KEY) == {"name": "Bakery"}
        await kept.set_data(KEY, {"name": "Bakery", "budget": 1})
        server = await embedded.start_valkey(folder)
        await valkeys.until(kept.alive)
        assert await kept.get_data(KEY) == {"name": "Bakery", "budget": 1}
        await kept.set_data(KEY, {"name": "Bakery", "budget": 2})
        another_process = storage.FormStorage(storage.connect(server.url))
        assert await another_process.get_data(KEY) == {"name": "Bakery", "budget": 2}
        await another_process.close()
    finally:
        await kept.close()
        await server.stop()


async def test_one_of_several_processes_takes_a_note(tmp_path: Path) -> None:
    server = await embedded.start_valkey(tmp_path / "valkey")
    one, two = (storage.FormStorage(storage.connect(server.url)) for _ in range(2))
    try:
        await one.write_note("outage", "disk_full")
        assert await two.read_note("outage") == "disk_full"
        taken = await asyncio.gather(one.take_note("outage"), two.take_note("outage"))
        assert sorted(map(str, taken)) == ["None", "disk_full"]
        await server.stop()
        for each in (one, two):
            assert await each.read_note("outage") is None
            assert await each.take_note("outage") is None
        await one.write_note("outage", "other")
        assert await one.read_note("outage") == await one.take_note("outage") == "other"
    finally:
        await one.close()
        await two.close()
        await server.stop()


async def test_the_memory_of_the_storage_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "REMEMBERED", 3)
    kept = storage.FormStorage(storage.connect("redis://127.0.0.1:1/0"))
    for number in range(10):
        await kept.set_data(StorageKey(bot_id=1, chat_id=number, user_id=number), {"n": number})
    assert len(kept._memory) <= 3
    assert len(kept._unsaved) <= 3
    await kept.close()
