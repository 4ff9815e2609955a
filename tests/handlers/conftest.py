"""Provide a running bot as a fixture."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from db.models.users import Role
from db.session import Sessions, create_engine, create_sessions
from sandbox import embedded, logins
from tests.conftest import Database
from tests.handlers import uncertain_post
from tests.handlers.marketplace import Marketplace, open_marketplace


@pytest.fixture(autouse=True)
def short_logs() -> Iterator[None]:
    """Log short tracebacks, because long tracebacks take seconds."""
    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )
    yield
    structlog.configure(**before)


@pytest.fixture
async def market(database: Database, tmp_path: Path) -> AsyncIterator[Marketplace]:
    """Yield a running bot without Redis, in which the person "admin" is an admin."""
    async with open_marketplace(database, tmp_path) as marketplace:
        await marketplace.employ("admin", Role.ADMIN)
        yield marketplace


@pytest.fixture
async def with_own_login(
    market: Marketplace, server: embedded.Postgres
) -> AsyncIterator[Marketplace]:
    """Yield a running bot whose handlers use the bot's own login, as in production."""
    engine = create_engine(server.dsn(logins.BOT, _name(market)))
    market.dependencies.sessions = create_sessions(engine)
    yield market
    await engine.dispose()


@pytest.fixture
async def redirect_sessions(
    market: Marketplace, server: embedded.Postgres
) -> AsyncIterator[Sessions]:
    """Yield sessions of the redirect's own login."""
    engine = create_engine(server.dsn(logins.REDIRECT, _name(market)))
    yield create_sessions(engine)
    await engine.dispose()


def _name(market: Marketplace) -> str:
    """Return the name of the bot's database."""
    return market.database.url.partition("@/")[2].partition("?")[0]


@pytest.fixture
async def with_uncertain_post(market: Marketplace) -> Marketplace:
    """Return a running bot with an uncertain post, whose card is in the admin chat."""
    await uncertain_post.create(market)
    return market
