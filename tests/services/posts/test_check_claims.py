"""Test how the claim of a check is renewed."""

from datetime import timedelta

from services.posts import check_claims, verification
from tests.conftest import Database
from tests.factories import people

MINUTE = timedelta(minutes=1)


async def _claim(database: Database) -> list[verification.PostCheckTask]:
    async with database.sessions.begin() as session:
        return list(await verification.claim_due(session, limit=9))


async def test_a_check_that_waited_too_long_is_left_to_another_process(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=2)
    await database.forward(timedelta(hours=2))
    [late] = await _claim(database)
    await database.forward(verification.RECHECK_INTERVAL - MINUTE)
    async with database.sessions.begin() as session:
        renewed = await check_claims.renew_claim(session, late)
    assert renewed is not None
    assert renewed.claimed_at > late.claimed_at
    await database.forward(2 * MINUTE)
    assert await _claim(database) == []
    await database.forward(verification.RECHECK_INTERVAL)
    assert len(await _claim(database)) == 1
    async with database.sessions.begin() as session:
        assert await check_claims.renew_claim(session, renewed) is None
