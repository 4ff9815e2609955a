"""Test how the staff find people, campaigns and channels."""

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel
from services.market import look_ups
from services.platform import errors, users
from tests.factories import people


async def test_a_person_is_found_by_both_ids(session: AsyncSession) -> None:
    deal = await people.deal(session)
    user = await users.get(session, deal.advertiser.user_id or 0)
    for typed in (str(user.telegram_id), f"#{user.id}"):
        found = await look_ups.find_person(session, typed)
        assert (found.user_id, found.telegram_id) == (user.id, user.telegram_id)
        assert [each.id for each in found.campaigns] == [deal.campaign.id]
        assert found.channels == []
        assert found.balances.available == 20_000
        assert (found.blocked, found.roles) == (False, [])
    owner = await look_ups.person(session, deal.owner.user_id or 0)
    assert [each.id for each in owner.channels] == [deal.channel.id]
    staff = await look_ups.person(session, deal.moderator.user_id or 0)
    assert staff.roles == ["admin"]


async def test_a_campaign_shows_its_advertiser_and_its_placements(session: AsyncSession) -> None:
    deal = await people.approved(session)
    found = await look_ups.campaign(session, deal.campaign.id)
    assert [each.target_id for each in found.placements] == [deal.target.id]
    assert found.placements[0].status == "approved"
    assert found.left == deal.campaign.total_budget - people.PRICE


async def test_a_channel_is_found_by_number_name_and_link(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await session.execute(
        update(Channel).where(Channel.id == deal.channel.id).values(username="Daily_News")
    )
    for typed in (
        str(deal.channel.id),
        f"#{deal.channel.id}",
        "@daily_news",
        "daily_news",
        "t.me/daily_news",
        "https://t.me/Daily_News/",
    ):
        found = await look_ups.find_channel(session, typed)
        assert found.channel.id == deal.channel.id, typed
        assert [each.target_id for each in found.placements] == [deal.target.id]


@pytest.mark.parametrize("typed", ["", "#", "abc", "-1", "9" * 16, "#x", "\uff11\uff12", "0"])
async def test_nobody_is_found_by_anything_else(session: AsyncSession, typed: str) -> None:
    with pytest.raises(errors.NotFound):
        await look_ups.find_person(session, typed)


@pytest.mark.parametrize("typed", ["", "#", "@", "0", "@no_such", "https://example.com/x", "a b"])
async def test_no_channel_is_found_by_anything_else(session: AsyncSession, typed: str) -> None:
    with pytest.raises(errors.NotFound):
        await look_ups.find_channel(session, typed)


async def test_an_unknown_campaign_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await look_ups.campaign(session, 0)
