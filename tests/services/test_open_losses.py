"""Test that a person who owes money to the platform buys nothing until the loss is repaid."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import WalletKind
from services.market import moderation
from services.money import escrow, ledger, wallets
from services.platform import errors
from tests.conftest import Database
from tests.factories import concurrency, payments, people, rows
from tests.factories.people import PRICE, Deal

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def _submit(session: AsyncSession, deal: Deal) -> Any:
    return await people.another(session, deal, decide=False)


async def _hold(session: AsyncSession, deal: Deal) -> Any:
    return await escrow.hold(session, target_id=deal.target.id)


@pytest.mark.parametrize("act", [_submit, _hold, people.approve])
async def test_a_person_with_an_open_loss_buys_nothing(
    database: Database, act: Callable[[AsyncSession, Deal], Awaitable[Any]]
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.in_debt(session)
    refusal = await rows.refused(
        database.sessions,
        lambda session: act(session, deal),
        actor=deal.moderator,
        action="buy",
    )
    assert isinstance(refusal, errors.OpenLoss)
    assert (refusal.user_id, refusal.needed, refusal.currency) == (
        *(deal.advertiser.user_id, PRICE, people.CURRENCY),
    )
    async with database.sessions.begin() as session:
        details = await moderation.get_details(session, target_id=deal.target.id)
    assert (details.status, details.advertiser_balance) == ("pending", PRICE)


async def test_a_person_buys_again_after_the_loss_is_repaid(session: AsyncSession) -> None:
    deal = await people.in_debt(session)
    advertiser_id = deal.advertiser.user_id or 0
    loss_wallet = await ledger.open_wallet(
        session, WalletKind.LOSS, currency=people.CURRENCY, counterparty_id=advertiser_id
    )
    own = await wallets.of_user(session, advertiser_id)
    await people.adjusted(session, own.id, loss_wallet, PRICE)
    await payments.deposit(
        session, user_id=advertiser_id, amount=PRICE, key="once more", source="telegram"
    )
    assert (await people.approve(session, deal)).created


async def test_a_purchase_waits_for_a_clawback_that_writes_a_loss(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=2 * PRICE)
        target = await people.another(session, deal, decide=False)
        await people.approve(session, deal)
        charge = await rows.one(session, "SELECT external_reference FROM deposits")
    payer_id = deal.advertiser.user_id or 0
    buy = partial(moderation.approve, actor=deal.moderator, target_id=target.id)
    async with database.sessions.begin() as session:
        await payments.reverse(
            session,
            external_reference=charge,
            user_id=payer_id,
            amount=2 * PRICE,
            source="telegram",
        )
        await payments.deposit(
            session, user_id=payer_id, amount=PRICE, key="later", source="telegram"
        )
        # The purchase begins while no loss is committed, and waits for the wallet.
        purchase = asyncio.create_task(concurrency.run_concurrently(database.sessions, buy))
        async with asyncio.timeout(10), database.sessions() as watcher:
            while not await rows.one(watcher, WAITING):
                await watcher.rollback()  # a transaction reads this view only once
                await asyncio.sleep(0.01)
    (refusal,) = await purchase
    assert isinstance(refusal, errors.OpenLoss)
    async with database.sessions.begin() as session:
        assert await rows.available(session, deal.advertiser) == PRICE
        assert await rows.one(session, "SELECT count(*) FROM escrows") == 1
