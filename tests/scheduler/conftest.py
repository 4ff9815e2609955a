"""Provide a marketplace as a fixture for the scheduler's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiogram import Bot

from db.session import Sessions, create_engine, create_sessions
from sandbox import embedded, logins
from services.market import registration
from services.market.creatives import Creative
from tests.conftest import Database
from tests.handlers.conftest import short_logs
from tests.sandbox.telegram.raw_world import begin
from tests.scheduler.scene import AD, Scene

__all__ = ["scene", "short_logs"]


@pytest.fixture
async def scene(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Yield a marketplace with people, one connected channel and one active campaign."""
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        scene = Scene(database, server.dsn(embedded.SUPERUSER, "postgres"), world)
        await scene.populate(creative=Creative(kind="text", text=AD))
        yield scene
        for close in scene.closing:
            await close()


@pytest.fixture
async def bot(scene: Scene) -> Bot:
    """Return a bot that calls the sandbox."""
    return scene.outbox_worker().bot


@pytest.fixture
async def payer(scene: Scene) -> int:
    """Register a person with a wallet in Stars, and return the person's id."""
    async with scene.database.sessions.begin() as session:
        person = await registration.register(
            session, telegram_id=scene.world.ids["admin"], language="en", currency="XTR"
        )
        return person.id


@pytest.fixture
async def of_logins(
    server: embedded.Postgres, scene: Scene
) -> AsyncIterator[tuple[Sessions, Sessions]]:
    """Return the sessions of the logins `clock` and `intake`."""
    name = scene.database.url.partition("@/")[2].partition("?")[0]
    engines = [create_engine(server.dsn(login, name)) for login in (logins.CLOCK, logins.INTAKE)]
    yield create_sessions(engines[0]), create_sessions(engines[1])
    for engine in engines:
        await engine.dispose()
