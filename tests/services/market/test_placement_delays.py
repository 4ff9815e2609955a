"""Test that one advertiser cannot fill the chats of owners and admins with questions."""

from datetime import timedelta

import pytest

from services.market import campaigns
from tests.conftest import Database
from tests.factories import people, rows

HOURS = (
    "SELECT round(extract(epoch FROM due_at - now()) / 3600)::int FROM outbox"
    " WHERE kind = :kind ORDER BY id"
)


@pytest.mark.parametrize(("asks", "kind"), [(True, "ad_offered"), (False, "target_submitted")])
async def test_questions_wait_after_many_placements_that_were_taken_back(
    database: Database,
    asks: bool,  # noqa: FBT001 - a case of the table
    kind: str,
) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=asks)
        target = made.target
        for _ in range(11):
            await campaigns.withdraw_target(session, actor=made.advertiser, target_id=target.id)
            target = await people.another(session, made, decide=False)
        other = await people.deal(session, asks=asks)
        told = [row[0] for row in await rows.table(session, HOURS, kind=kind)]
    assert told == [0] * 5 + [1] * 5 + [2] * 2 + [0], other
    await database.forward(timedelta(minutes=61))
    async with database.sessions.begin() as session:
        await campaigns.withdraw_target(session, actor=made.advertiser, target_id=target.id)
        await people.another(session, made, decide=False)
        assert [row[0] for row in await rows.table(session, HOURS, kind=kind)][-1] == 0
