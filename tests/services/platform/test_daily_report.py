"""Test that the admin chat gets one report a day, with yesterday's numbers and what is wrong."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from bot.texts import LANGUAGES, Texts
from db.models.operations import OutboxMessage, Switch
from scheduler import notices, watchdogs
from services.money import escrow
from services.platform import daily_report
from tests.conftest import Database
from tests.factories import people, rows

SLA = timedelta(hours=24)
ROWS = "SELECT key, payload FROM outbox WHERE kind = 'daily_report' ORDER BY id"


async def _queue(database: Database, hour: int) -> None:
    await watchdogs.queue_daily_report(database.sessions, hour, SLA)


async def _queued(database: Database) -> list[Any]:
    async with database.sessions.begin() as session:
        return list(await rows.table(session, ROWS))


async def _go_to(database: Database, hour: int, *, days: int = 0) -> datetime:
    """Move the database's clock forward to an hour (UTC), and `days` more. Return the moment."""
    async with database.sessions.begin() as session:
        now = await rows.one(session, "SELECT clock()")
    wanted = datetime.combine(now.date(), time(hour), UTC) + timedelta(days=days)
    if wanted < now:
        wanted += timedelta(days=1)
    await database.forward(wanted - now)
    return wanted


async def test_the_report_comes_once_a_day_at_its_hour(database: Database) -> None:
    await _go_to(database, 5)
    await _queue(database, 6)
    assert await _queued(database) == []
    moment = await _go_to(database, 6)
    await asyncio.gather(*(_queue(database, 6) for _ in range(3)))  # several schedulers
    await _queue(database, 6)
    ((key, payload),) = await _queued(database)
    assert key == f"daily_report:{moment:%Y-%m-%d}"
    assert payload["day"] == (moment - timedelta(days=1)).date().isoformat()
    await _go_to(database, 23)
    await _queue(database, 6)
    assert len(await _queued(database)) == 1
    await _go_to(database, 8, days=1)  # the scheduler was down at six
    await _queue(database, 6)
    assert len(await _queued(database)) == 2


async def test_the_report_has_the_numbers_of_yesterday(database: Database) -> None:
    await _go_to(database, 1)
    async with database.sessions.begin() as session:
        paid = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=paid.target.id)
        await people.approved(session)
    await _go_to(database, 6, days=1)
    await _queue(database, 6)
    ((_, payload),) = await _queued(database)
    fee = people.PRICE * people.FEE_BPS // 10_000
    expected = {
        "campaign_activated": 2,
        "moderation_approved": 2,
        "escrow_released": 1,
        "escrow_refunded": 0,
        "revenue": fee,
        "held": people.PRICE,
        "newly_held": 2 * people.PRICE,
        "released_or_refunded": people.PRICE,
    }
    assert {name: payload["numbers"][name] for name in expected} == expected
    assert {line["name"] for line in payload["wrong"]} >= {"schedulers_alive", "escrows_stuck"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_report_is_read_in_each_language(database: Database, language: str) -> None:
    await _go_to(database, 6)
    # The age of the template's messages depends on the other tests.
    await database.as_owner("DELETE FROM outbox")
    async with database.sessions.begin() as session:
        await people.approved(session)
        await daily_report.queue(session, hour=0, sla=SLA, revision="0001")
        message = OutboxMessage(
            kind="daily_report",
            payload=await rows.one(session, "SELECT payload FROM outbox WHERE kind='daily_report'"),
            user_id=None,
        )
        screen = await notices.render(session, message, language, "USD", cards={})
    t = Texts(language, "USD")
    assert "$0.00" in screen.text or "0,00" in screen.text
    assert t("health-look", count=4).splitlines()[0] in screen.text
    assert "schedulers_alive" not in screen.text
    assert t("health-stopped", keys="payouts") not in screen.text
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.PAYOUTS)
        screen = await notices.render(session, message, language, "USD", cards={})
    assert t("health-stopped", keys="payouts") in screen.text.splitlines()
