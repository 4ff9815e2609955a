"""Test which placements a channel's owner finds in which part."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import TargetStatus
from services.market import campaigns, sold_parts
from services.market.sold_parts import SoldPart
from tests.factories import people


async def test_each_status_is_in_one_part() -> None:
    listed = [status for statuses in sold_parts.STATUSES.values() for status in statuses]
    assert sorted(listed) == sorted(TargetStatus)


async def test_a_placement_moves_from_part_to_part(session: AsyncSession) -> None:
    made = await people.deal(session)
    other = await people.another(session, made, decide=False)
    await people.approve(session, made)
    assert await sold_parts.count(session, made.channel) == {
        SoldPart.WAITING: 1,
        SoldPart.LIVE: 1,
        SoldPart.PAST: 0,
    }
    await campaigns.withdraw_target(session, actor=made.advertiser, target_id=other.id)
    found = {
        part: [
            row.target_id
            for row in await sold_parts.of_channel(session, made.channel, part, limit=10, offset=0)
        ]
        for part in SoldPart
    }
    assert found == {
        SoldPart.WAITING: [],
        SoldPart.LIVE: [made.target.id],
        SoldPart.PAST: [other.id],
    }


async def test_a_new_owner_does_not_read_what_the_former_one_has_sold(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    await people.take_over(session, made.channel)
    assert sum((await sold_parts.count(session, made.channel)).values()) == 0
    for part in SoldPart:
        assert not await sold_parts.of_channel(session, made.channel, part, limit=10, offset=0)
