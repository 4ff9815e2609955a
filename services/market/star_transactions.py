"""Compare the books with the payments and refunds in Stars that Telegram lists.

An update about a payment may be lost. Telegram's list is then the only trace of the payment. A
deposit in Stars that Telegram does not list was never paid.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.intake import Comparison
from db.models.money import Deposit, DepositStatus
from db.models.operations import Incident
from db.money import STARS
from services.market import payment_reversals
from services.money import deposits, incidents, invoices
from services.money.invariants import Violation
from services.platform import errors, outbox, users

SOURCE = "stars"
"""The source of deposits that people pay in Stars."""
VERIFIED_AT_ONCE = 1_000
"""The largest number of deposits that one call of `verify` reads."""
UNKNOWN_DEPOSIT = "deposit_unknown_to_telegram"
"""The name under which an incident lists deposits that Telegram does not list."""
GRACE = timedelta(minutes=1)
"""The age from which a deposit must be in Telegram's list."""


@dataclass(frozen=True)
class StarTransaction:
    """A payment by a person, or the refund of a payment, as Telegram lists it.

    The refund has the charge id of its payment.
    """

    charge_id: str
    telegram_id: int
    amount: int
    payload: str
    refunded: bool


async def known(session: AsyncSession, charge_ids: Collection[str]) -> dict[str, Deposit]:
    """Return the deposits of these charges by charge id."""
    rows = await session.scalars(select(Deposit).where(Deposit.external_reference.in_(charge_ids)))
    return {row.external_reference: row for row in rows}


def is_booked(transaction: StarTransaction, deposit: Deposit | None) -> bool:
    """Return whether the books already contain a transaction of Telegram's list."""
    if deposit is None or deposit.amount != transaction.amount or deposit.currency != STARS:
        return False
    return not transaction.refunded or deposit.status is DepositStatus.CLAWED_BACK


async def record(session: AsyncSession, transaction: StarTransaction) -> int:
    """Record a payment or refund whose update was lost, and return its deposit's id.

    The result is the same as that of the update, and a repeat changes nothing. Takes the locks of
    `deposits.deposit` or `payment_reversals.reverse`. Raises what these two functions raise, and
    PaymentMismatch if the payment differs from its invoice.
    """
    payer = await users.by_telegram_id(session, transaction.telegram_id)
    if transaction.refunded:
        clawback = await payment_reversals.reverse(
            session,
            external_reference=transaction.charge_id,
            user_id=payer.id if payer else None,
            amount=transaction.amount,
            source=SOURCE,
            currency=STARS,
        )
        return clawback.deposit_id
    if payer is None:
        raise errors.NotFound("user", transaction.telegram_id)
    invoices.require_match(
        transaction.payload,
        charge_id=transaction.charge_id,
        amount=transaction.amount,
        currency=STARS,
    )
    deposit = await deposits.deposit(
        session,
        user_id=payer.id,
        amount=transaction.amount,
        key=transaction.charge_id,
        source=SOURCE,
        currency=STARS,
    )
    return deposit.id


async def report_refused(
    session: AsyncSession, transaction: StarTransaction, error: errors.DomainError
) -> None:
    """Notify the admin chat, only once, of a listed transaction that could not be recorded."""
    kind = "refund" if transaction.refunded else "payment"
    await outbox.add(
        session,
        user_id=None,
        kind="star_transaction_refused",
        payload={
            "charge_id": transaction.charge_id,
            "telegram_id": transaction.telegram_id,
            "amount": transaction.amount,
            "error": str(error),
        },
        key=f"star_transaction_refused:{kind}:{transaction.charge_id}",
    )


async def mark_compared(
    session: AsyncSession,
    deposit_ids: Collection[int],
    comparison: Comparison,
    *,
    skip_locked: bool = False,
) -> None:
    """Store the result of the comparison of these deposits. A deposit keeps its first result.

    Locks the deposits in the order of their ids. With `skip_locked`, deposits that another
    transaction has locked are left out.
    """
    if not deposit_ids:
        return
    uncompared = (
        select(Deposit.id)
        .where(Deposit.id.in_(deposit_ids), Deposit.comparison.is_(None))
        .order_by(Deposit.id)
        .with_for_update(skip_locked=skip_locked)
    )
    await session.execute(
        update(Deposit).where(Deposit.id.in_(uncompared)).values(comparison=comparison)
    )


async def verify(session: AsyncSession, *, since: datetime | None) -> None:
    """Check the deposits in Stars that no read transaction has confirmed.

    The caller has read Telegram's list to its end, and has marked the deposits that it lists.
    `since` is the time of the oldest listed transaction. Older deposits belong to another bot. A
    deposit that is missing in the list stops the money and opens an incident, see
    `incidents.raise_alarm`. After the staff closed an incident that names the deposit, it raises no
    further alarm, and approvals of withdrawals no longer wait for it. Locks the deposits that it
    marks, and what `incidents.raise_alarm` locks. So that nobody can delay the alarm, a deposit
    that another transaction has locked is marked by a later call.
    """
    found = await session.execute(
        select(Deposit.id, Deposit.amount, Deposit.user_id, Deposit.created_at)
        .where(
            Deposit.currency == STARS,
            Deposit.comparison.is_(None),
            Deposit.status != DepositStatus.CLAWED_BACK,
            Deposit.created_at < func.clock() - GRACE,
        )
        .order_by(Deposit.id)
        .limit(VERIFIED_AT_ONCE)
    )
    rows = found.all()
    older = {row.id for row in rows if since is not None and row.created_at < since}
    unlisted = [row for row in rows if row.id not in older]
    judged = await _judged(session) if unlisted else frozenset()
    accepted = {row.id for row in unlisted if row.id in judged}
    await mark_compared(session, older, Comparison.NOT_COVERED, skip_locked=True)
    await mark_compared(session, accepted, Comparison.ACCEPTED, skip_locked=True)
    missing = [row for row in unlisted if row.id not in judged]
    if missing:
        violation = Violation(
            UNKNOWN_DEPOSIT,
            "a deposit in Stars that Telegram does not list, or lists with another amount",
            [{"ref": row.id, "amount": row.amount, "user_id": row.user_id} for row in missing],
        )
        await incidents.raise_alarm(session, [violation])


async def _judged(session: AsyncSession) -> frozenset[int]:
    """Return the ids of the missing deposits that closed incidents name."""
    named = func.jsonb_path_query(Incident.details, cast(f"$.{UNKNOWN_DEPOSIT}[*].ref", JSONPATH))
    ids = await session.scalars(select(named).where(Incident.closed_at.is_not(None)))
    return frozenset(int(found) for found in ids)
