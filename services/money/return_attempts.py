"""Ask Telegram to refund the payments of deposits that are given back: claim, ask, and record.

Telegram refunds a payment in Stars at most once, whatever is asked. Yet an unknown outcome is not
followed by another request before Telegram's list of Stars was read and does not have the refund.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import CTE, ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.deposit_returns import DepositReturn, ReturnStatus
from db.models.intake import ListedStarTransaction, StarListPosition
from db.models.money import Deposit
from db.models.operations import Switch
from db.models.users import User
from db.money import STARS
from services.money import deposit_returns, deposits
from services.platform import killswitches, leases

_OTHER = aliased(Deposit)
LEASE = timedelta(minutes=2)
ABSENT_AFTER = timedelta(minutes=3)
"""A refund that Telegram's list lacks so long after the request was not made."""


@dataclass(frozen=True)
class DueReturn:
    """A return about which Telegram is to be asked."""

    return_id: int
    charge_id: str
    """Telegram's id of the payment."""
    telegram_id: int
    """The payer."""
    origin_id: str | None
    """The correlation id of the request."""


@dataclass(frozen=True)
class ReturnClaim:
    """The right of one process to ask Telegram once, and to record the answer."""

    due: DueReturn
    claim_no: int
    owner: str


async def list_due(session: AsyncSession, *, limit: int) -> Sequence[DueReturn]:
    """Return up to `limit` returns about which Telegram is to be asked, the earliest due first.

    A return waits until all deposits in Stars of its payer that are older are compared with
    Telegram's list. Locks nothing.
    """
    uncompared = (
        exists()
        .where(
            _OTHER.user_id == DepositReturn.user_id,
            _OTHER.currency == STARS,
            _OTHER.comparison.is_(None),
            _OTHER.created_at <= DepositReturn.created_at,
        )
        .correlate(DepositReturn)
    )
    rows = await session.execute(
        select(
            DepositReturn.id,
            Deposit.external_reference,
            User.telegram_id,
            DepositReturn.correlation_id,
        )
        .join(Deposit, Deposit.id == DepositReturn.deposit_id)
        .join(User, User.id == DepositReturn.user_id)
        .where(
            DepositReturn.status == ReturnStatus.REQUESTED,
            DepositReturn.due_at <= func.clock(),
            ~uncompared,
        )
        .order_by(DepositReturn.due_at, DepositReturn.id)
        .limit(limit)
    )
    return [DueReturn(*row) for row in rows]


async def claim(session: AsyncSession, due: DueReturn, *, owner: str) -> ReturnClaim | None:
    """Claim a return right before Telegram is asked. Return None if nothing may be asked now.

    If the payer is blocked meanwhile, the return is refused. Takes the shared lock of the kill
    switch `withdrawals`, then locks the return, and its wallets after a refusal.
    """
    await killswitches.lock(session, Switch.WITHDRAWALS)
    if not await killswitches.are_running(session, Switch.WITHDRAWALS):
        return None
    given = await deposit_returns.lock(session, due.return_id)
    if given.status is not ReturnStatus.REQUESTED:
        return None
    person = await session.get_one(User, given.user_id, populate_existing=True)
    if person.blocked:
        await deposit_returns.refuse(session, given, why=deposit_returns.BLOCKED)
        return None
    claim_no = await session.scalar(
        update(DepositReturn)
        .where(DepositReturn.id == given.id)
        .values(
            status=ReturnStatus.SENDING,
            claim_no=DepositReturn.claim_no + 1,
            lease_owner=owner,
            lease_until=func.now() + LEASE,
        )
        .returning(DepositReturn.claim_no)
        .execution_options(synchronize_session=False)
    )
    return ReturnClaim(due, queries.required(claim_no), owner)


async def record_refunded(session: AsyncSession, claim: ReturnClaim) -> bool:
    """Record that Telegram has refunded the payment of a claimed return, and end the return.

    Returns False if the claim is no longer valid: then Telegram's report has ended the return, or
    will end it. Locks the deposit, the return, then the wallets.
    """
    deposit = queries.required(await deposits.lock(session, claim.due.charge_id))
    given = await _lock_claimed(session, claim)
    if given is None:
        return False
    await deposit_returns.complete(session, given, deposit)
    return True


async def record_refused(session: AsyncSession, claim: ReturnClaim, *, error: str) -> bool:
    """Record that Telegram refuses to refund the payment, and put the money back.

    `error` is Telegram's text. Returns False if the claim is no longer valid. Locks the deposit,
    the return, then the wallets.
    """
    await deposits.lock(session, claim.due.charge_id)
    given = await _lock_claimed(session, claim)
    if given is None:
        return False
    await deposit_returns.refuse(session, given, why=deposit_returns.BY_TELEGRAM, error=error)
    return True


async def record_not_asked(
    session: AsyncSession, claim: ReturnClaim, *, error: str, due_in: timedelta
) -> bool:
    """Record that Telegram has certainly not refunded the payment, and when to ask again.

    Returns False if the claim is no longer valid. Locks the return.
    """
    given = await _lock_claimed(session, claim)
    if given is None:
        return False
    given.due_at = await queries.now(session) + due_in
    _free(given, ReturnStatus.REQUESTED, error)
    return True


async def record_uncertain(session: AsyncSession, claim: ReturnClaim, *, error: str) -> bool:
    """Record that nobody knows whether Telegram has refunded the payment. No money moves.

    Returns False if the claim is no longer valid. Locks the return.
    """
    given = await _lock_claimed(session, claim)
    if given is None:
        return False
    now = await queries.now(session)
    _free(given, ReturnStatus.UNCERTAIN, error)
    given.uncertain_at = now
    return True


async def rescue_abandoned(session: AsyncSession) -> int:
    """Mark returns as uncertain whose process died after the claim. Return how many.

    Locks the returns, and skips those that another transaction has locked.
    """
    abandoned = _lock_all(
        DepositReturn.status == ReturnStatus.SENDING,
        leases.has_ended(DepositReturn.lease_until, LEASE),
    )
    rescued = await session.scalars(
        update(DepositReturn)
        .where(DepositReturn.id == abandoned.c.id)
        .values(
            status=ReturnStatus.UNCERTAIN,
            lease_owner=None,
            lease_until=None,
            uncertain_at=func.clock(),
            last_error="the process was gone before it could record the answer",
        )
        .returning(DepositReturn.id)
        .execution_options(synchronize_session=False)
    )
    return len(rescued.all())


async def ask_again(session: AsyncSession, *, bot_id: int) -> int:
    """Let Telegram be asked again about uncertain returns that its list of Stars does not have.

    The list was read to its end, beginning ABSENT_AFTER or later after the request. A refund that
    the list has, and that is not booked yet, ends its return instead. Returns how many. Locks the
    returns, and skips those that another transaction has locked.
    """
    listed = (
        exists()
        .where(
            Deposit.id == DepositReturn.deposit_id,
            ListedStarTransaction.kind == "refund",
            ListedStarTransaction.charge_id == Deposit.external_reference,
        )
        .correlate(DepositReturn)
    )
    read_at = (
        select(StarListPosition.read_at).where(StarListPosition.bot_id == bot_id).scalar_subquery()
    )
    absent = _lock_all(
        DepositReturn.status == ReturnStatus.UNCERTAIN,
        DepositReturn.uncertain_at + ABSENT_AFTER <= read_at,
        ~listed,
    )
    freed = await session.scalars(
        update(DepositReturn)
        .where(DepositReturn.id == absent.c.id)
        .values(status=ReturnStatus.REQUESTED, uncertain_at=None, due_at=func.clock())
        .returning(DepositReturn.id)
        .execution_options(synchronize_session=False)
    )
    return len(freed.all())


def _lock_all(*conditions: ColumnElement[bool]) -> CTE:
    """Build the query of the ids of some returns, which locks those that nobody else has locked."""
    return (
        select(DepositReturn.id)
        .where(*conditions)
        .order_by(DepositReturn.id)
        .with_for_update(of=DepositReturn, skip_locked=True)
        .cte("found")
    )


def _free(given: DepositReturn, status: ReturnStatus, error: str) -> None:
    """Give up the claim of a locked return, without a flush."""
    given.status = status
    given.lease_owner = given.lease_until = None
    given.last_error = error


async def _lock_claimed(session: AsyncSession, claim: ReturnClaim) -> DepositReturn | None:
    """Lock and return a return that still has this claim, or return None."""
    given = await deposit_returns.lock(session, claim.due.return_id)
    is_claimed = (given.status, given.claim_no, given.lease_owner) == (
        ReturnStatus.SENDING,
        claim.claim_no,
        claim.owner,
    )
    return given if is_claimed else None
