"""Agree to payments before they begin, so that no invoice is paid twice."""

from datetime import timedelta

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.intake import Checkout
from services.money import deposits, received_payments, wallets
from services.platform.payment_errors import InvoiceBusy, InvoicePaid

PAID_WITHIN = timedelta(minutes=1)
"""How long the same invoice is kept for a payment to which the bot has agreed."""


async def begin(
    session: AsyncSession,
    *,
    user_id: int,
    invoice: str,
    query_id: str,
    amount: int,
    currency: str,
) -> None:
    """Agree to a payment of an invoice, or refuse it before any money moves.

    `invoice` is the payload of the invoice, `query_id` the id of Telegram's question, and `amount`
    is in minor units. A second call with the same question agrees again. Locks the kill switch
    `deposits`, then the row of the person's latest payment. Raises what `deposits.check_payable`
    raises; InvoicePaid if Telegram has reported a payment of the invoice, credited or not;
    InvoiceBusy if the bot has agreed to another payment of it within the last PAID_WITHIN.
    """
    await deposits.check_payable(session, user_id=user_id, amount=amount, currency=currency)
    latest = insert(Checkout).values(user_id=user_id, invoice=invoice, query_id=query_id)
    agreed = await session.execute(
        latest.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"invoice": invoice, "query_id": query_id, "accepted_at": func.clock()},
            where=or_(
                Checkout.invoice != invoice,
                Checkout.query_id == query_id,
                Checkout.accepted_at <= func.clock() - PAID_WITHIN,
            ),
        ).returning(Checkout.user_id)
    )
    is_busy = agreed.one_or_none() is None
    # The payment is read after the row was locked: whoever had the lock may have been paid since.
    if await received_payments.is_paid(session, invoice):
        wallet = await wallets.of_user(session, user_id)
        raise InvoicePaid(wallet.balance, wallet.currency)
    if is_busy:
        raise InvoiceBusy
