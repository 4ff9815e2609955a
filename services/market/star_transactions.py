"""Compare the deposits in Stars with Telegram's list of the bot's transactions."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.deposit_returns import DepositReturn, ReturnStatus
from db.models.intake import Comparison, ListedStarTransaction
from db.models.losses import Clawback
from db.models.money import Deposit, DepositStatus
from db.models.operations import Incident
from db.models.users import User
from db.money import STARS
from services.market import payment_reversals
from services.money import deposits, incidents, invoices, received_payments
from services.money.invariants import Violation
from services.platform import errors, outbox, users

SOURCE = "stars"
"""The column `source` of deposits in Stars."""
VERIFIED_AT_ONCE = 1_000
"""One call of `verify` reads at most this many deposits."""
UNKNOWN_DEPOSIT = "deposit_unknown_to_telegram"
"""The key of an incident's details that has the deposits that Telegram does not list."""
UNKNOWN_REFUND = "refund_unknown_to_telegram"
"""The key of an incident's details that has the deposits whose refund Telegram does not list."""
_UNKNOWN = (UNKNOWN_DEPOSIT, UNKNOWN_REFUND)
GRACE = timedelta(minutes=1)
"""A deposit or a refund that is older than this must be in Telegram's list."""
REPEAT_AFTER = GRACE / 2
"""If a deposit or refund older than this was not listed, older parts of the list are read again."""
REFUNDED = (DepositStatus.CLAWED_BACK, DepositStatus.RETURNED)
"""The statuses of a deposit whose payment was refunded."""
PAYMENT, REFUND = "payment", "refund"
REFUSED = "star_transaction_refused:"
"""The beginning of `refusal_key`."""
_FIRST_UPDATE_ID = 2**62
"""The ids of Telegram's own updates are below this number."""
_ID_BYTES = 7


@dataclass(frozen=True)
class StarTransaction:
    """A payment or refund in Telegram's list. The amount is in Stars.

    A refund has the charge id of its payment. `date` is in seconds since 1970. `language` is the
    language code of the person's Telegram app, or None.
    """

    charge_id: str
    telegram_id: int
    amount: int
    payload: str
    refunded: bool
    date: int
    language: str | None

    @property
    def kind(self) -> str:
        """Return whether this is a payment or a refund, as the tables say it."""
        return REFUND if self.refunded else PAYMENT

    @property
    def refusal_key(self) -> str:
        """Return the key of the message that says that this transaction could not be recorded."""
        return f"{REFUSED}{self.kind}:{self.charge_id}"


async def booked(
    session: AsyncSession, transactions: Collection[StarTransaction]
) -> dict[StarTransaction, int]:
    """Return the deposit ids of those listed transactions that are already in the database.

    A payment needs a deposit with its payer and its amount. A refund needs such a deposit that is
    taken back or returned.
    """
    rows = await session.execute(
        select(Deposit, User.telegram_id)
        .join(User, User.id == Deposit.user_id)
        .where(Deposit.external_reference.in_({row.charge_id for row in transactions}))
    )
    found = {deposit.external_reference: (deposit, payer_id) for deposit, payer_id in rows}
    return {
        transaction: found[transaction.charge_id][0].id
        for transaction in transactions
        if transaction.charge_id in found and _is_same(transaction, *found[transaction.charge_id])
    }


def _is_same(transaction: StarTransaction, deposit: Deposit, payer_id: int) -> bool:
    """Return whether a deposit by this payer (a Telegram id) is that of a listed transaction."""
    return (payer_id, deposit.amount, deposit.currency) == (
        transaction.telegram_id,
        transaction.amount,
        STARS,
    ) and (not transaction.refunded or deposit.status in REFUNDED)


async def record(session: AsyncSession, transaction: StarTransaction) -> int:
    """Record a payment or refund from Telegram's list, and return the deposit's id.

    A second call changes nothing. Locks and raises as `deposits.deposit` or
    `payment_reversals.reverse`. Raises PaymentMismatch if the payment differs from its invoice, or
    if its deposit belongs to another person; NotFound of a "user" if the bot does not know the
    payer of a payment that has no deposit.
    """
    await _require_payer(session, transaction)
    payer = await users.by_telegram_id(session, transaction.telegram_id)
    if transaction.refunded:
        reversed_deposit = await payment_reversals.reverse(
            session,
            external_reference=transaction.charge_id,
            user_id=payer.id if payer else None,
            amount=transaction.amount,
            source=SOURCE,
            currency=STARS,
        )
        return reversed_deposit.id
    invoices.require_match(
        transaction.payload,
        charge_id=transaction.charge_id,
        amount=transaction.amount,
        currency=STARS,
    )
    if payer is None:
        raise errors.NotFound("user", transaction.telegram_id)
    deposit = await deposits.deposit(
        session,
        user_id=payer.id,
        amount=transaction.amount,
        key=transaction.charge_id,
        source=SOURCE,
        currency=STARS,
    )
    return deposit.id


async def _require_payer(session: AsyncSession, transaction: StarTransaction) -> None:
    """Raise PaymentMismatch if the deposit of a listed transaction belongs to another person."""
    payer_id = await session.scalar(
        select(User.telegram_id)
        .join(Deposit, Deposit.user_id == User.id)
        .where(Deposit.external_reference == transaction.charge_id)
    )
    if payer_id not in {None, transaction.telegram_id}:
        raise errors.PaymentMismatch(
            transaction.charge_id, f"a payment by {payer_id}", f"by {transaction.telegram_id}"
        )


def build_update(payment: StarTransaction) -> dict[str, Any]:
    """Return the update with which Telegram reports a listed payment.

    The id of the update depends only on the charge id, so a payment is stored as one update.
    """
    digest = hashlib.sha256(payment.charge_id.encode()).digest()
    payer = {"id": payment.telegram_id, "is_bot": False, "first_name": ""}
    return {
        "update_id": _FIRST_UPDATE_ID + int.from_bytes(digest[:_ID_BYTES]),
        "message": {
            "message_id": 0,
            "date": payment.date,
            "chat": {"id": payment.telegram_id, "type": "private"},
            "from": payer | ({"language_code": payment.language} if payment.language else {}),
            "successful_payment": {
                "currency": STARS,
                "total_amount": payment.amount,
                "invoice_payload": payment.payload,
                "telegram_payment_charge_id": payment.charge_id,
                "provider_payment_charge_id": "",
            },
        },
    }


async def report_refused(
    session: AsyncSession, transaction: StarTransaction, error: errors.DomainError
) -> None:
    """Notify the admin chat that a listed transaction could not be recorded.

    `error` is the reason. For one transaction, only one such message is sent. After a refund that
    differs from its deposit, the payer is blocked; this locks as `block_payer` does.
    """
    if transaction.refunded and isinstance(error, errors.PaymentMismatch):
        await payment_reversals.block_payer(session, transaction.charge_id)
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
        key=transaction.refusal_key,
    )


async def mark_compared(
    session: AsyncSession,
    deposit_ids: Collection[int],
    comparison: Comparison,
    *,
    refunds: bool = False,
    skip_locked: bool = False,
) -> None:
    """Store the result of the comparison of deposits, or of their refunds, with Telegram's list.

    An existing result stays. Locks the deposits by id. `skip_locked` leaves out deposits that
    another transaction has locked.
    """
    if not deposit_ids:
        return
    column = Deposit.refund_comparison if refunds else Deposit.comparison
    uncompared = (
        select(Deposit.id)
        .where(Deposit.id.in_(deposit_ids), column.is_(None))
        .order_by(Deposit.id)
        .with_for_update(skip_locked=skip_locked)
    )
    await session.execute(
        update(Deposit).where(Deposit.id.in_(uncompared)).values({column: comparison})
    )


async def mark_listed(session: AsyncSession, booked: Mapping[StarTransaction, int]) -> None:
    """Store that Telegram lists these transactions, by the ids of their deposits.

    If Telegram lists a refund, the payment was also made. Locks the deposits by id.
    """
    refunds = {deposit_id for row, deposit_id in booked.items() if row.refunded}
    await mark_compared(session, set(booked.values()), Comparison.LISTED)
    await mark_compared(session, refunds, Comparison.LISTED, refunds=True)


async def has_unlisted(session: AsyncSession, *, since: datetime | None, read_at: datetime) -> bool:
    """Return whether a deposit in Stars, or a refund, may be in a part that was read before.

    Such a deposit or refund is older than REPEAT_AFTER at `read_at`, its comparison has no result,
    and no incident names it. `since` and `read_at` are as in `verify`.
    """
    for refunds in (False, True):
        found = await session.execute(_uncompared(read_at - REPEAT_AFTER, refunds=refunds))
        unlisted = {row.id for row in found if since is None or row.created_at >= since}
        if unlisted and unlisted - await _named(session, _UNKNOWN[refunds]):
            return True
    return False


async def verify(session: AsyncSession, *, since: datetime | None, read_at: datetime) -> None:
    """Check the deposits in Stars, and their refunds, that were not compared with Telegram's list.

    The caller has read the list to its end and stored a result for each listed transaction. `since`
    is the time of the oldest listed transaction, or None. `read_at` is the database's time when the
    reading began. What was younger than GRACE at `read_at` is skipped, and so is a deposit that the
    staff took back without a refund by Telegram.

    A missing deposit or refund opens an incident, unless a closed incident names it. The incident
    forbids new escrows, payouts, refunds and withdrawals. Locks the deposits whose result it
    stores, and what `incidents.raise_alarm` locks. Skips deposits that another transaction has
    locked.
    """
    violations = [
        await _find_missing(session, since=since, before=read_at - GRACE, refunds=refunds)
        for refunds in (False, True)
    ]
    if missing := [violation for violation in violations if violation.rows]:
        await incidents.raise_alarm(session, missing)


async def _find_missing(
    session: AsyncSession, *, since: datetime | None, before: datetime, refunds: bool
) -> Violation:
    """Return what Telegram should list and does not, and store a result for the other rows."""
    name = _UNKNOWN[refunds]
    rows = (await session.execute(_uncompared(before, refunds=refunds))).all()
    older = {row.id for row in rows if since is not None and row.created_at < since}
    unlisted = [row for row in rows if row.id not in older]
    closed = Incident.closed_at.is_not(None)
    judged = await _named(session, name, closed) if unlisted else frozenset()
    accepted = {row.id for row in unlisted if row.id in judged}
    for ids, comparison in ((older, Comparison.NOT_COVERED), (accepted, Comparison.ACCEPTED)):
        await mark_compared(session, ids, comparison, refunds=refunds, skip_locked=True)
    return Violation(
        name,
        f"a {'refund' if refunds else 'deposit'} in Stars that Telegram does not list, or lists"
        " with another amount or payer",
        [
            {"ref": row.id, "amount": row.amount, "user_id": row.user_id}
            for row in unlisted
            if row.id not in judged
        ],
    )


def is_of_deposit() -> ColumnElement[bool]:
    """Build the SQL condition that a listed transaction has a deposit's payer and amount."""
    payer = select(User.telegram_id).where(User.id == Deposit.user_id).correlate(Deposit)
    return (
        (Deposit.external_reference == ListedStarTransaction.charge_id)
        & (Deposit.amount == ListedStarTransaction.amount)
        & (Deposit.currency == STARS)
        & (payer.scalar_subquery() == ListedStarTransaction.telegram_id)
    )


def _uncompared(before: datetime, *, refunds: bool) -> Select[int, int, int, datetime]:
    """Build a query for old deposits in Stars, or old refunds, whose comparison has no result."""
    if refunds:
        refunded_at = func.coalesce(Clawback.created_at, DepositReturn.ended_at)
        query = (
            select(Deposit.id, Deposit.amount, Deposit.user_id, refunded_at.label("created_at"))
            .outerjoin(Clawback, Clawback.deposit_id == Deposit.id)
            .outerjoin(
                DepositReturn,
                (DepositReturn.deposit_id == Deposit.id)
                & (DepositReturn.status == ReturnStatus.DONE),
            )
            .where(
                Deposit.refund_comparison.is_(None),
                Deposit.status.in_(REFUNDED),
                refunded_at < before,
                or_(
                    Deposit.status == DepositStatus.RETURNED,
                    received_payments.is_refunded(Deposit.external_reference),
                ),
            )
        )
    else:
        query = select(Deposit.id, Deposit.amount, Deposit.user_id, Deposit.created_at).where(
            Deposit.comparison.is_(None), Deposit.created_at < before
        )
    # A listed transaction may be booked at this moment, so that its result is stored later.
    is_listed = exists().where(
        ListedStarTransaction.kind == (REFUND if refunds else PAYMENT), is_of_deposit()
    )
    query = query.where(~is_listed)
    return query.where(Deposit.currency == STARS).order_by(Deposit.id).limit(VERIFIED_AT_ONCE)


async def _named(
    session: AsyncSession, name: str, *conditions: ColumnElement[bool]
) -> frozenset[int]:
    """Return the ids of deposits that incidents name under the key `name`."""
    named = func.jsonb_path_query(Incident.details, cast(f"$.{name}[*].ref", JSONPATH))
    ids = await session.scalars(select(named).where(*conditions))
    return frozenset(int(found) for found in ids)
