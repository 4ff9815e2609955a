"""Test which transactions of Telegram's list of Stars can be booked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison, ListedStarTransaction
from db.money import STARS
from services.market import listed_star_transactions, registration, star_transactions
from services.market.star_transactions import StarTransaction
from services.money import incidents
from services.platform import errors, inbox
from tests.factories import payments, people, rows

PAYMENT = StarTransaction(
    "charge", 7, 500, "topup:1:500:XTR:x", refunded=False, date=9, language=None
)
REFUND = replace(PAYMENT, refunded=True)
COMPARISON = "SELECT comparison FROM deposits"


async def _due(session: AsyncSession, limit: int = 9) -> Sequence[StarTransaction]:
    return await listed_star_transactions.list_due(session, limit=limit)


async def _payer(session: AsyncSession, telegram_id: int = PAYMENT.telegram_id) -> int:
    person = await registration.register(
        session, telegram_id=telegram_id, language="en", currency=STARS
    )
    return person.id


async def _book(session: AsyncSession, payer_id: int, amount: int = PAYMENT.amount) -> None:
    await payments.deposit(
        session,
        user_id=payer_id,
        amount=amount,
        key=PAYMENT.charge_id,
        source="stars",
        currency=STARS,
    )


async def test_a_transaction_is_stored_once_and_payments_come_first(session: AsyncSession) -> None:
    other = replace(PAYMENT, charge_id="other", language="ru")
    for transactions in ([REFUND, PAYMENT], [], [PAYMENT, other]):
        await listed_star_transactions.note(session, transactions)
    assert await _due(session) == [PAYMENT, other, REFUND]
    assert await _due(session, limit=1) == [PAYMENT]


async def test_an_unknown_payer_is_left_to_the_bot_until_the_update_is_ended(
    session: AsyncSession,
) -> None:
    await listed_star_transactions.note(session, [PAYMENT, REFUND])
    await inbox.store(session, [star_transactions.build_update(PAYMENT)])
    assert await _due(session) == []
    (update,) = await inbox.claim(session, limit=1)
    async with session.begin_nested() as parked:
        await inbox.park(session, id=update.id, error="KeyError")
        assert await _due(session) == [PAYMENT, REFUND]
        await parked.rollback()
    await _payer(session)
    assert await _due(session) == [PAYMENT, REFUND]


async def test_a_refused_transaction_is_not_tried_again(session: AsyncSession) -> None:
    await listed_star_transactions.note(session, [PAYMENT, REFUND])
    await star_transactions.report_refused(session, PAYMENT, errors.NotFound("user", 7))
    assert await _due(session) == [REFUND]
    await star_transactions.report_refused(session, REFUND, errors.NotFound("user", 7))
    assert await _due(session) == []


async def test_a_booked_transaction_is_not_due(session: AsyncSession) -> None:
    await listed_star_transactions.note(session, [PAYMENT, REFUND])
    await _book(session, await _payer(session))
    assert await _due(session) == [REFUND]
    await payments.reverse(
        session,
        external_reference=PAYMENT.charge_id,
        user_id=None,
        amount=PAYMENT.amount,
        source="stars",
        currency=STARS,
    )
    assert await _due(session) == []


async def test_a_deposit_of_a_stored_payment_is_marked_as_listed(session: AsyncSession) -> None:
    await listed_star_transactions.note(session, [PAYMENT])
    await _book(session, await _payer(session))
    for _ in range(2):
        await listed_star_transactions.mark_booked(session)
        assert await rows.one(session, COMPARISON) == Comparison.LISTED


async def test_a_deposit_of_a_listed_refund_alone_is_not_marked(session: AsyncSession) -> None:
    await listed_star_transactions.note(session, [REFUND])
    await _book(session, await _payer(session))
    await listed_star_transactions.mark_booked(session)
    assert await rows.one(session, COMPARISON) is None


async def test_a_deposit_with_another_amount_or_payer_is_not_marked(session: AsyncSession) -> None:
    await listed_star_transactions.note(session, [PAYMENT])
    payer_id = await _payer(session)
    other_id = await _payer(session, people.number())
    for user_id, amount in ((payer_id, PAYMENT.amount + 1), (other_id, PAYMENT.amount)):
        async with session.begin_nested() as booked:
            await _book(session, user_id, amount)
            await listed_star_transactions.mark_booked(session)
            assert await rows.one(session, COMPARISON) is None
            assert await _due(session) == [PAYMENT]
            await booked.rollback()


async def test_a_listed_deposit_without_a_result_raises_no_alarm(session: AsyncSession) -> None:
    """Check a deposit whose result was not stored, because another transaction had locked it."""
    await _book(session, await _payer(session))
    later = await queries.now(session) + 2 * star_transactions.GRACE
    assert await star_transactions.has_unlisted(session, since=None, read_at=later)
    await listed_star_transactions.note(session, [PAYMENT])
    assert not await star_transactions.has_unlisted(session, since=None, read_at=later)
    await star_transactions.verify(session, since=None, read_at=later)
    assert await incidents.open_incidents(session) == []
    assert await rows.one(session, COMPARISON) is None


async def test_ended_transactions_are_not_read_again(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed_star_transactions, "COMMITTED_AFTER", timedelta(seconds=-1))
    others = [replace(PAYMENT, charge_id=name) for name in ("second", "third")]
    await listed_star_transactions.note(session, [PAYMENT, *others])
    assert await _ended(session) == []
    await star_transactions.report_refused(session, others[0], errors.NotFound("user", 7))
    assert await _ended(session) == []
    await _book(session, await _payer(session))
    assert await _ended(session) == [PAYMENT.charge_id, "second"]
    ended_id = await listed_star_transactions.find_ended(session, after=0)
    due = await listed_star_transactions.list_due(session, limit=9, after=ended_id)
    assert due == [others[1]]
    await star_transactions.report_refused(session, others[1], errors.NotFound("user", 7))
    assert await _ended(session, after=ended_id) == [PAYMENT.charge_id, "second", "third"]


async def test_a_new_transaction_is_read_again(session: AsyncSession) -> None:
    """Check that the reading does not pass an id that another session has not committed yet."""
    await listed_star_transactions.note(session, [PAYMENT])
    await _book(session, await _payer(session))
    assert await _ended(session) == []


async def _ended(session: AsyncSession, after: int = 0) -> Sequence[str]:
    ended_id = await listed_star_transactions.find_ended(session, after=after)
    listed = ListedStarTransaction
    found = await session.scalars(
        select(listed.charge_id).where(listed.id <= ended_id).order_by(listed.id)
    )
    return found.all()
