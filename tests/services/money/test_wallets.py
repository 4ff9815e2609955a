"""Test which balances and entries a person sees."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.money import escrow, wallets
from services.platform.actors import Actor
from tests.factories import people


def _id(who: Actor) -> int:
    assert who.user_id is not None
    return who.user_id


async def test_settled_money_is_no_longer_held(session: AsyncSession) -> None:
    deal = await people.failed(session)
    assert (await wallets.balances(session, _id(deal.advertiser))).held == deal.target.price
    await escrow.refund(session, target_id=deal.target.id)
    assert (await wallets.balances(session, _id(deal.advertiser))).held == 0


async def test_balances_and_statement_follow_the_ledger(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=20_000, price=5_000)
    assert await wallets.balances(session, _id(deal.advertiser)) == wallets.Balances(
        20_000, 0, "USD"
    )
    await people.approve(session, deal)
    assert await wallets.balances(session, _id(deal.advertiser)) == wallets.Balances(
        available=15_000, held=5_000, currency="USD"
    )
    assert await wallets.balances(session, _id(deal.owner)) == wallets.Balances(0, 0, "USD")
    lines = await wallets.statement(session, user_id=_id(deal.advertiser), limit=5, offset=0)
    assert [(line.reason, line.amount, line.balance_after) for line in lines] == [
        ("escrow_hold", -5_000, 15_000),
        ("deposit", 20_000, 20_000),
    ]
    assert lines[0].reference_id == deal.target.id
    rest = await wallets.statement(session, user_id=_id(deal.advertiser), limit=5, offset=1)
    assert rest == lines[1:]


async def test_a_wallet_of_another_currency_is_found(session: AsyncSession) -> None:
    assert await wallets.find_other_currency(session, "USD") is None
    await people.person(session)
    assert await wallets.find_other_currency(session, "USD") is None
    assert await wallets.find_other_currency(session, "XTR") == "USD"
