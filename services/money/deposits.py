"""Record the payments that people make to the platform, and credit them to their payers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import ReceivedPayment
from db.models.money import Deposit, DepositStatus, Reason, WalletKind
from db.models.operations import Switch
from db.models.users import User
from db.session import sqlstate
from services.money import ledger, received_payments, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, users
from services.platform.actors import SYSTEM

_NOT_RECEIVED = "AD044"
CREDIT_BATCH = 100


@dataclass(frozen=True)
class DepositDetails:
    """A deposit for the staff's screens (amount in minor units, time with a time zone)."""

    deposit_id: int
    charge_id: str
    """The id that Telegram gave the payment."""
    provider_charge_id: str | None
    """The id that the payment provider gave the payment, or None if it is not known."""
    telegram_id: int
    amount: int
    currency: str
    source: str
    status: DepositStatus
    created_at: datetime


async def check_payable(session: AsyncSession, *, user_id: int, amount: int, currency: str) -> None:
    """Refuse a payment that the platform must not accept, before the person pays.

    `amount` is in minor units. Locks the kill switch `deposits`. Raises SwitchStopped,
    PersonBlocked, InvalidAmount, CurrencyMismatch, NotFound.
    """
    await killswitches.lock(session, Switch.DEPOSITS)
    await killswitches.require(session, Switch.DEPOSITS)
    wallets.require_amount(amount)
    if await users.first_blocked(session, user_id):
        raise errors.PersonBlocked(user_id)
    wallet = await wallets.of_user(session, user_id)
    if wallet.currency != currency:
        raise errors.CurrencyMismatch(wallet.currency, currency)


async def deposit(
    session: AsyncSession,
    *,
    user_id: int,
    amount: int,
    key: str,
    source: str,
    currency: str | None = None,
) -> Deposit:
    """Record a payment that has arrived, and credit the payer's wallet.

    `amount` is in minor units of `currency`. None means the currency of the payer's wallet. A
    second call with the same key returns the first deposit. If the kill switch `deposits` forbids
    the credit, the payment is only recorded. Locks the kill switch, the deposit, then the wallets.
    Raises InvalidAmount, NotFound, CurrencyMismatch, IdempotencyConflict.
    """
    await killswitches.lock(session, Switch.DEPOSITS)
    received = await lock_or_record(
        session,
        user_id=user_id,
        amount=amount,
        external_reference=key,
        source=source,
        currency=currency,
    )
    if received.source != source:
        raise errors.IdempotencyConflict(key)
    if received.status is DepositStatus.RECEIVED and await killswitches.are_running(
        session, Switch.DEPOSITS
    ):
        await _credit(session, received)
    return received


async def find_by_charge(session: AsyncSession, reference: str) -> Deposit:
    """Return the deposit of the payment to which Telegram or the provider gave the id `reference`.

    Raises NotFound; AmbiguousCharge if several deposits match.
    """
    charge_ids = await received_payments.find_charge_ids(session, reference)
    found = await session.scalars(
        select(Deposit).where(Deposit.external_reference.in_(charge_ids)).order_by(Deposit.id)
    )
    matching = found.all()
    if not matching:
        raise errors.NotFound("deposit", reference)
    if len(matching) > 1:
        raise errors.AmbiguousCharge(reference, len(matching))
    return matching[0]


async def lock(session: AsyncSession, external_reference: str) -> Deposit | None:
    """Lock and return the deposit with this external reference, or return None."""
    found: Deposit | None = await session.scalar(
        select(Deposit)
        .where(Deposit.external_reference == external_reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def lock_or_record(
    session: AsyncSession,
    *,
    user_id: int,
    amount: int,
    external_reference: str,
    source: str,
    currency: str | None = None,
) -> Deposit:
    """Lock and return the deposit of a payment. Record a missing deposit first.

    `amount` is in minor units of `currency`. None means the currency of the person's wallet.
    `external_reference` is the provider's id of the payment. Raises InvalidAmount,
    CurrencyMismatch; NotFound if the person has no wallet, or if Telegram has reported no such
    payment; IdempotencyConflict if the recorded deposit has another person or amount.
    """
    wallets.require_amount(amount)
    wallet = await wallets.of_user(session, user_id)
    if currency not in {None, wallet.currency}:
        raise errors.CurrencyMismatch(wallet.currency, str(currency))
    inserted = (
        insert(Deposit)
        .values(
            user_id=user_id,
            amount=amount,
            currency=wallet.currency,
            source=source,
            external_reference=external_reference,
        )
        .on_conflict_do_nothing(index_elements=["external_reference"])
    )
    try:
        await session.execute(inserted)
    except DBAPIError as error:
        if sqlstate(error) == _NOT_RECEIVED:
            raise errors.NotFound("payment", external_reference) from error
        raise
    received = await lock(session, external_reference)
    if received is None:
        raise errors.NotFound("deposit", external_reference)
    if (received.user_id, received.amount) != (user_id, amount):
        raise errors.IdempotencyConflict(external_reference)
    return received


async def credit_due(session: AsyncSession) -> int:
    """Credit deposits that were recorded while the kill switch `deposits` forbade credits.

    Returns the number of credited deposits, at most CREDIT_BATCH, or 0 if the switch still forbids
    credits. Locks the switch, the deposits, then the wallets. Skips locked deposits.
    """
    await killswitches.lock(session, Switch.DEPOSITS)
    if not await killswitches.are_running(session, Switch.DEPOSITS):
        return 0
    waiting = await session.scalars(
        select(Deposit)
        .where(Deposit.status == DepositStatus.RECEIVED)
        .order_by(Deposit.id)
        .limit(CREDIT_BATCH)
        .with_for_update(skip_locked=True)
    )
    credited = 0
    # Every transaction that moves money of several people takes the people in the order of their
    # ids. Therefore two such transactions cannot wait for each other's wallets.
    for received in sorted(waiting.all(), key=lambda row: (row.user_id, row.id)):
        await _credit(session, received)
        credited += 1
    return credited


async def list_recent(
    session: AsyncSession, *, limit: int, offset: int
) -> Sequence[DepositDetails]:
    """Return a page of all deposits, the newest first."""
    rows = await session.execute(
        select(Deposit, User.telegram_id, ReceivedPayment.provider_charge_id)
        .join(User, User.id == Deposit.user_id)
        .outerjoin(ReceivedPayment, received_payments.is_payment(Deposit.external_reference))
        .order_by(Deposit.id.desc())
        .limit(limit)
        .offset(offset)
        .execution_options(populate_existing=True)
    )
    return [
        DepositDetails(
            deposit_id=received.id,
            charge_id=received.external_reference,
            provider_charge_id=provider_charge_id,
            telegram_id=telegram_id,
            amount=received.amount,
            currency=received.currency,
            source=received.source,
            status=received.status,
            created_at=received.created_at,
        )
        for received, telegram_id, provider_charge_id in rows
    ]


async def list_own(session: AsyncSession, *, user_id: int, limit: int) -> Sequence[Deposit]:
    """Return a person's latest deposits, the newest first."""
    found = await session.scalars(
        select(Deposit)
        .where(Deposit.user_id == user_id)
        .order_by(Deposit.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def get_own(session: AsyncSession, *, user_id: int, deposit_id: int) -> Deposit:
    """Return a person's own deposit. Raises NotFound, also for a deposit of somebody else."""
    found = await session.scalar(
        select(Deposit)
        .where(Deposit.id == deposit_id, Deposit.user_id == user_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise errors.NotFound("deposit", deposit_id)
    return found


async def uncredited_total(session: AsyncSession) -> tuple[int, int]:
    """Return the number of deposits that are not credited, and their sum in minor units."""
    row = await session.execute(
        select(func.count(), func.coalesce(func.sum(Deposit.amount), 0)).where(
            Deposit.status == DepositStatus.RECEIVED
        )
    )
    count, amount = row.one()
    return count, int(amount)


async def _credit(session: AsyncSession, received: Deposit) -> None:
    """Credit a deposit whose row the caller has locked."""
    wallet = await wallets.of_user(session, received.user_id)
    outside = await ledger.open_wallet(
        session, WalletKind.EXTERNAL, currency=wallet.currency, counterparty_id=received.user_id
    )
    await ledger.post(
        session,
        key=f"deposit:{received.external_reference}",
        reason=Reason.DEPOSIT,
        reference_id=received.id,
        legs=[
            Leg(outside, -received.amount, Reason.DEPOSIT),
            Leg(wallet.id, received.amount, Reason.DEPOSIT),
        ],
        actor_id=received.user_id,
    )
    received.status = DepositStatus.CREDITED
    received.credited_at = await queries.now(session)
    await session.flush()
    await audit.record(
        session,
        actor=SYSTEM,
        action="deposit_credited",
        role="system",
        deposit_id=received.id,
        credited_user_id=received.user_id,
        amount=received.amount,
    )
    await outbox.add(
        session,
        user_id=received.user_id,
        kind="deposit_credited",
        payload={
            "deposit_id": received.id,
            "amount": received.amount,
            "second": await received_payments.is_second_payment(
                session, received.external_reference
            ),
        },
        key=f"deposit_credited:{received.id}",
    )
