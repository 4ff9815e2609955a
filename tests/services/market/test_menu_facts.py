"""Test what a person's menu shows."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import change_requests, menu_facts
from services.market.menu_facts import MenuFacts
from tests.factories import people


async def test_the_menu_shows_the_balance_and_what_waits(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    advertiser, owner = made.advertiser.user_id, made.owner.user_id
    assert advertiser is not None
    assert owner is not None
    before = await menu_facts.read(session, advertiser)
    assert (before.answers, before.changes) == (0, 0)
    assert before.balance > 0
    assert await menu_facts.read(session, owner) == MenuFacts(0, answers=1, changes=0)
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=made.target.id, version=1, words="Name the price"
    )
    assert await menu_facts.read(session, advertiser) == MenuFacts(before.balance, 0, changes=1)
    await session.execute(
        text("UPDATE campaign_targets SET status = 'withdrawn' WHERE id = :id"),
        {"id": made.target.id},
    )
    assert await menu_facts.read(session, advertiser) == before
    assert await menu_facts.read(session, owner) == MenuFacts(0, 0, 0)


async def test_somebody_without_a_wallet_has_no_money(session: AsyncSession) -> None:
    assert await menu_facts.read(session, 10**9) == MenuFacts(0, 0, 0)
