"""Test the pool of connections, and how the causes of database errors are found."""

from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db import session
from tests.conftest import Database


async def test_a_pool_opens_as_many_connections_as_it_may(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "POOL_WAIT_SECONDS", 0.1)
    engine = session.create_engine(database.url, pool_size=2)
    try:
        async with engine.connect(), engine.connect():
            with pytest.raises(PoolTimeoutError):
                await engine.connect()
    finally:
        await engine.dispose()


async def test_a_socket_that_is_gone_is_no_missing_file(tmp_path: Path) -> None:
    engine = session.create_engine(f"postgresql://adtech_app@/adtech?host={tmp_path}")
    try:
        with pytest.raises(OSError, match="No such file") as failed:
            await engine.connect()
    finally:
        await engine.dispose()
    assert session.cause(failed.value) == session.NO_SOCKET
    with pytest.raises(FileNotFoundError) as failed:
        (tmp_path / "client.key").read_text()
    assert "client.key" in session.cause(failed.value)


def test_an_error_that_is_its_own_cause_ends_the_search() -> None:
    error = ValueError("x")
    error.__cause__ = error
    assert session.cause(error) == "ValueError"
    other = ValueError("y")
    error.__cause__, other.__cause__ = other, error
    assert session.cause(error) == "ValueError"
