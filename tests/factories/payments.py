"""Record payments and refunds as Telegram reports them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.losses import Clawback
from db.models.money import Deposit
from db.models.users import RequestKind, RequestStatus, StaffRequest, User
from services.market import payment_reversals
from services.money import clawbacks, deposits, received_payments, wallets
from services.platform.actors import Actor
from tests.factories import presses


async def deposit(
    session: AsyncSession,
    *,
    user_id: int,
    amount: int,
    key: str,
    source: str,
    currency: str | None = None,
) -> Deposit:
    """Store Telegram's report about a payment, and record the payment as a deposit."""
    await _note(session, user_id, amount, key, currency, refunded=False)
    return await deposits.deposit(
        session, user_id=user_id, amount=amount, key=key, source=source, currency=currency
    )


async def reverse(
    session: AsyncSession,
    *,
    external_reference: str,
    user_id: int | None,
    amount: int,
    source: str,
    currency: str | None = None,
) -> Clawback:
    """Store Telegram's report about a refund, and take the money from the payer's wallet.

    If `user_id` is None, the payer is the person who made the deposit.
    """
    payer_id = user_id or await session.scalar(
        select(Deposit.user_id).where(Deposit.external_reference == external_reference)
    )
    if payer_id is not None:
        await _note(session, payer_id, amount, external_reference, currency, refunded=True)
    deposit = await payment_reversals.reverse(
        session,
        external_reference=external_reference,
        user_id=user_id,
        amount=amount,
        source=source,
        currency=currency,
    )
    return queries.required(await clawbacks.find_by_deposit(session, deposit.id))


async def decided_request(
    session: AsyncSession,
    kind: RequestKind,
    arguments: dict[str, Any],
    *admins: Actor,
    subject_id: int | None = None,
) -> int:
    """Store a finished staff request of two admins, but do not carry it out. Return its id."""
    first, second = admins
    request = StaffRequest(
        kind=kind,
        arguments=arguments,
        subject_id=subject_id,
        reason="a reason",
        requested_by=queries.required(first.user_id),
    )
    session.add(request)
    await session.flush()
    first = await presses.press(session, first, f"request:mine:{request.id}")
    second = await presses.press(session, second, f"request:yes_sure:{request.id}")
    now = await queries.now(session)
    request.acknowledged, request.acknowledged_in = True, first.inbox_id
    request.status, request.decided_at = RequestStatus.DONE, now
    request.decided_by, request.decided_in = second.user_id, second.inbox_id
    await session.flush()
    return request.id


async def _note(
    session: AsyncSession,
    user_id: int,
    amount: int,
    charge_id: str,
    currency: str | None,
    *,
    refunded: bool,
) -> None:
    person = await session.get(User, user_id)
    if person is None:
        return
    await received_payments.note(
        session,
        charge_id=charge_id,
        telegram_id=person.telegram_id,
        amount=amount,
        currency=currency or (await wallets.of_user(session, user_id)).currency,
        refunded=refunded,
    )
