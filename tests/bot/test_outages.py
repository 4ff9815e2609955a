"""Test the lines of the log about a service that does not work."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import outages, redis_link
from bot.redis_link import RedisLink


def test_an_outage_has_a_line_a_minute_and_one_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            outages.log_away(outages.REDIS, why="ConnectionError: refused")
        outages.log_ended(outages.REDIS)
        assert [line["event"] for line in lines] == ["away: waiting for it"]
        monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
        for _ in range(2):
            outages.log_ended(outages.REDIS, outages.TELEGRAM)
    assert [(line["event"], line["what"]) for line in lines] == [
        ("away: waiting for it", "Redis"),
        ("works again", "Redis"),
    ]


def test_an_outage_without_a_line_ends_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
    outages.note_failure(outages.DATABASE)
    with capture_logs() as lines:
        outages.log_ended(outages.DATABASE)
    assert lines == []


async def test_a_redis_that_stays_away_is_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_link, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(outages, "LOG_SECONDS", 0.05)
    link = RedisLink(f"unix://{tmp_path}/gone.sock?db=0")
    with capture_logs() as lines:
        cause = await link.fault()
        assert lines == []
        assert not await link.alive()
        async with asyncio.timeout(60):
            while len(lines) < 3:
                await asyncio.sleep(0.02)
    await link.close()
    assert cause is not None
    assert "no server listens" in cause
    assert "No such file" not in cause
    assert {line["cause"] for line in lines} == {cause}
