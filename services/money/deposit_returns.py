"""Give deposits in Stars back to their payers, whole, by a refund of their own payment.

The request holds the money. Then the scheduler asks Telegram (`return_attempts`), and what Telegram
says settles the return. Locks are taken in this order: the kill switch, the deposit, the person,
the return, then the wallets.
"""

from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.corrections import Correction, CorrectionStatus
from db.models.deposit_returns import DepositReturn, ReturnStatus
from db.models.money import Deposit, DepositStatus, Reason, Wallet, WalletKind
from db.models.operations import Switch
from db.models.users import User
from db.money import STARS
from services.money import deposits, ledger, payees, payout_holds, wallets
from services.money.ledger import Leg
from services.money.payout_terms import PayoutTerms
from services.platform import audit, killswitches, outbox, transitions
from services.platform.actors import SYSTEM, Actor
from services.platform.payment_errors import (
    AlreadyReturned,
    CorrectionOpen,
    DepositSpent,
    NotReturnable,
    ReturnTooLate,
)
from services.platform.transitions import ActorRole

RETURNED_WITHIN = timedelta(days=21)
"""How old a deposit may be. After 21 days Telegram lets the owner of the bot withdraw the Stars."""
BLOCKED, CLAWED_BACK, BY_TELEGRAM = "blocked", "clawed_back", "telegram"
"""Why a return was refused: the payer is blocked, has reversed a payment, or Telegram refuses."""

# Purchases are paid from what was paid in, and withdrawals from what was earned, as far as it goes.
_PAID_IN_LEFT = text("""
    SELECT coalesce(sum(amount) FILTER (WHERE reason IN ('deposit', 'clawback', 'return_hold',
            'return_refused', 'escrow_hold', 'refund')
            OR (amount < 0 AND reason IN ('adjustment', 'excess_payment'))), 0)
        - greatest(0, -coalesce(sum(amount) FILTER (WHERE reason IN ('payout', 'withdrawal_hold',
            'withdrawal_return')), 0))
    FROM ledger_entries WHERE wallet_id = :wallet_id
""")


async def require_returnable(
    session: AsyncSession, deposit: Deposit, person: User, *, terms: PayoutTerms
) -> None:
    """Refuse to give a deposit back that must not be given back now.

    `person` is the payer. Locks nothing. Raises NotReturnable, AlreadyReturned, ReturnTooLate,
    PersonBlocked, OpenLoss, CorrectionOpen, SwitchStopped; DepositSpent if less than the deposit is
    in the wallet or left of what the person has paid in, or if payouts that are too young would pay
    it.
    """
    if deposit.status in {DepositStatus.RETURNED, DepositStatus.CLAWED_BACK}:
        raise AlreadyReturned(deposit.id)
    if (deposit.status, deposit.currency) != (DepositStatus.CREDITED, STARS):
        raise NotReturnable(deposit.id)
    if deposit.created_at < await queries.now(session) - RETURNED_WITHIN:
        raise ReturnTooLate(RETURNED_WITHIN.days)
    await payees.require_payable(session, person)
    await killswitches.require(session, Switch.WITHDRAWALS)
    wallet = await wallets.of_user(session, deposit.user_id)
    if await _is_corrected(session, wallet):
        raise CorrectionOpen
    free = await payout_holds.of_user(session, deposit.user_id, terms)
    paid_in = await session.scalar(_PAID_IN_LEFT, {"wallet_id": wallet.id})
    left = max(0, min(free.now, int(paid_in or 0)))
    if left < deposit.amount:
        raise DepositSpent(deposit.amount, left, wallet.currency)


async def request(
    session: AsyncSession,
    *,
    actor: Actor,
    deposit_id: int,
    number: int,
    terms: PayoutTerms,
) -> DepositReturn:
    """Request a deposit of the actor back, and hold its money until Telegram has refunded it.

    `number` says how many returns of this deposit were refused before (`next_number`). A second
    call with the same number returns the first return. Locks the kill switch `withdrawals`, the
    deposit, the person, then the wallets. Raises NotFound, and what `require_returnable` raises;
    AlreadyReturned also for an old number.
    """
    user_id = actor.require_user(action="deposit_return_request")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    own = await deposits.get_own(session, user_id=user_id, deposit_id=deposit_id)
    deposit = queries.required(await deposits.lock(session, own.external_reference))
    first: DepositReturn | None = await session.scalar(
        select(DepositReturn).where(
            DepositReturn.deposit_id == deposit_id, DepositReturn.number == number
        )
    )
    if first is not None:
        return first
    if number != await next_number(session, deposit_id) or await find_open(session, deposit_id):
        raise AlreadyReturned(deposit_id)
    person = await payees.lock(session, user_id)
    await ledger.lock_wallet(session, (await wallets.of_user(session, user_id)).id)
    await require_returnable(session, deposit, person, terms=terms)
    inserted = await session.execute(
        insert(DepositReturn)
        .values(
            deposit_id=deposit_id,
            number=number,
            user_id=user_id,
            amount=deposit.amount,
            currency=deposit.currency,
        )
        .returning(DepositReturn)
    )
    given: DepositReturn = inserted.scalar_one()
    await _move_money(session, given, Reason.RETURN_HOLD, actor_id=user_id)
    await audit.record(
        session,
        actor=actor,
        action="deposit_return_requested",
        role="advertiser",
        deposit_return_id=given.id,
        deposit_id=deposit_id,
        amount=given.amount,
    )
    return given


async def check(session: AsyncSession, deposit: Deposit, *, terms: PayoutTerms) -> None:
    """Refuse a deposit that its payer cannot get back now. Locks nothing.

    Raises what `require_returnable` raises; AlreadyReturned also if it is being given back.
    """
    await require_none(session, deposit)
    person = await session.get_one(User, deposit.user_id, populate_existing=True)
    await require_returnable(session, deposit, person, terms=terms)


async def find_latest(session: AsyncSession, deposit_id: int) -> DepositReturn | None:
    """Return the latest return of a deposit, or None if nobody wanted the deposit back."""
    found: DepositReturn | None = await session.scalar(
        select(DepositReturn)
        .where(DepositReturn.deposit_id == deposit_id)
        .order_by(DepositReturn.number.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return found


async def require_none(session: AsyncSession, deposit: Deposit) -> None:
    """Raise AlreadyReturned if a deposit was given back, or is being given back."""
    if deposit.status is DepositStatus.RETURNED or await find_open(session, deposit.id):
        raise AlreadyReturned(deposit.id)


async def next_number(session: AsyncSession, deposit_id: int) -> int:
    """Return the number of the next return of a deposit: how many were refused before."""
    refused = await session.scalar(
        select(func.count()).where(
            DepositReturn.deposit_id == deposit_id, DepositReturn.status == ReturnStatus.REFUSED
        )
    )
    return int(refused or 0)


async def find_open(session: AsyncSession, deposit_id: int) -> DepositReturn | None:
    """Return the return of a deposit that is not ended, or None."""
    found: DepositReturn | None = await session.scalar(
        select(DepositReturn)
        .where(
            DepositReturn.deposit_id == deposit_id,
            DepositReturn.status.not_in([ReturnStatus.DONE, ReturnStatus.REFUSED]),
        )
        .execution_options(populate_existing=True)
    )
    return found


async def record_refund(session: AsyncSession, deposit: Deposit) -> bool:
    """Record that Telegram has refunded the payment of a deposit, if it is being given back.

    Returns False if nothing is to be given back: then the payer, or somebody else, has reversed the
    payment. A second call changes nothing. The caller must have locked the deposit. Locks the
    return, then the wallets.
    """
    if deposit.status is DepositStatus.RETURNED:
        return True
    given = await find_open(session, deposit.id)
    if given is None:
        return False
    given = await lock(session, given.id)
    if given.status is ReturnStatus.REFUSED:
        return False
    await complete(session, given, deposit)
    return True


async def lock(session: AsyncSession, return_id: int) -> DepositReturn:
    """Lock and return a return. The caller must have locked its deposit first, if at all."""
    return await session.get_one(
        DepositReturn, return_id, with_for_update=True, populate_existing=True
    )


async def complete(session: AsyncSession, given: DepositReturn, deposit: Deposit) -> None:
    """End a return whose payment Telegram has refunded, and notify the payer.

    The caller must have locked the deposit, then the return. Locks the wallets.
    """
    transitions.require(
        transitions.DEPOSIT,
        "deposit",
        deposit.id,
        status=deposit.status,
        wanted=DepositStatus.RETURNED,
        role=ActorRole.SYSTEM,
    )
    await _end(session, given, ReturnStatus.DONE)
    deposit.status = DepositStatus.RETURNED
    await session.flush()
    await _move_money(session, given, Reason.DEPOSIT_RETURN)
    await _record_and_notify(session, given, "deposit_returned")


async def refuse(session: AsyncSession, given: DepositReturn, *, why: str, error: str = "") -> None:
    """End a return whose payment was certainly not refunded: the money goes back into the wallet.

    `why` is BLOCKED, CLAWED_BACK or BY_TELEGRAM, and `error` is Telegram's text. Notifies the
    payer, and the admin chat about a refusal by Telegram. The caller must have locked the return.
    Locks the wallets.
    """
    given.last_error = error or None
    await _end(session, given, ReturnStatus.REFUSED)
    await session.flush()
    await _move_money(session, given, Reason.RETURN_REFUSED)
    await _record_and_notify(session, given, "deposit_return_refused", why=why)
    if why == BY_TELEGRAM:
        await outbox.add(
            session,
            user_id=None,
            kind="deposit_return_problem",
            payload={
                "deposit_id": given.deposit_id,
                "user_id": given.user_id,
                "amount": given.amount,
                "currency": given.currency,
                "error": error,
            },
            key=f"deposit_return_problem:{given.id}",
        )


async def refuse_requested(session: AsyncSession, *, user_id: int) -> None:
    """Put the money of all returns of a person back about which Telegram was not asked yet.

    The caller must have locked the person. Locks the returns, then the wallets.
    """
    requested = await session.scalars(
        select(DepositReturn)
        .where(DepositReturn.user_id == user_id, DepositReturn.status == ReturnStatus.REQUESTED)
        .order_by(DepositReturn.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for given in requested.all():
        await refuse(session, given, why=CLAWED_BACK)


async def _is_corrected(session: AsyncSession, wallet: Wallet) -> bool:
    """Return whether an open correction names the wallet."""
    found = await session.scalar(
        select(Correction.id)
        .where(
            Correction.status.in_([CorrectionStatus.PROPOSED, CorrectionStatus.CONFIRMED]),
            (Correction.wallet_id == wallet.id) | (Correction.other_wallet_id == wallet.id),
        )
        .limit(1)
    )
    return found is not None


async def _end(session: AsyncSession, given: DepositReturn, status: ReturnStatus) -> None:
    """Set the final status of a locked return, without a flush."""
    transitions.require(
        transitions.DEPOSIT_RETURN,
        "deposit_return",
        given.id,
        status=given.status,
        wanted=status,
        role=ActorRole.SYSTEM,
    )
    now = await queries.now(session)
    given.status, given.ended_at = status, now
    given.lease_owner = given.lease_until = given.uncertain_at = None


async def _move_money(
    session: AsyncSession, given: DepositReturn, reason: Reason, *, actor_id: int | None = None
) -> None:
    """Move the whole amount of a return: hold it, give it to Telegram, or put it back."""
    own = (await wallets.of_user(session, given.user_id)).id
    held = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=given.currency, user_id=given.user_id
    )
    if reason is Reason.RETURN_HOLD:
        giver, receiver = own, held
    elif reason is Reason.RETURN_REFUSED:
        giver, receiver = held, own
    else:
        giver = held
        receiver = await ledger.open_wallet(
            session,
            WalletKind.EXTERNAL,
            currency=given.currency,
            counterparty_id=given.user_id,
        )
    await ledger.post(
        session,
        key=f"{reason}:{given.id}",
        reason=reason,
        reference_id=given.id,
        legs=[Leg(giver, -given.amount, reason), Leg(receiver, given.amount, reason)],
        actor_id=actor_id,
    )


async def _record_and_notify(
    session: AsyncSession, given: DepositReturn, kind: str, **more: str
) -> None:
    """Write the audit row about the end of a return, and notify the payer."""
    await audit.record(
        session,
        actor=SYSTEM,
        action=kind,
        role="system",
        deposit_return_id=given.id,
        deposit_id=given.deposit_id,
        payer_user_id=given.user_id,
        amount=given.amount,
        **more,
    )
    await outbox.add(
        session,
        user_id=given.user_id,
        kind=kind,
        payload={
            "deposit_id": given.deposit_id,
            "amount": given.amount,
            "currency": given.currency,
            **more,
        },
        key=f"{kind}:{given.id}",
    )
