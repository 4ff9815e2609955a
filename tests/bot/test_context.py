"""Test that the bot builds screens in a read-only transaction."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.context import read_only
from tests.handlers.marketplace import Marketplace


async def test_a_screens_transaction_cannot_write(market: Marketplace) -> None:
    beat = "INSERT INTO heartbeats (owner, name) VALUES ('test', 'test')"
    with pytest.raises(DBAPIError, match="read-only"):
        async with read_only(market.database.sessions) as session:
            await session.execute(text(beat))
    async with market.database.sessions.begin() as session:
        # The connection in the pool can write again.
        await session.execute(text(beat))
