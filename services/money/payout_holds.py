"""Find out how much of a wallet can be withdrawn, because young payouts in Stars stay there.

The oldest money leaves first. So what stays in the wallet must be at least what came from payouts
younger than the hold. The database function `require_payout_hold` checks the same at the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Wallet
from services.money import ledger, wallets
from services.money.payout_terms import PayoutTerms
from services.platform.payout_errors import NotYetWithdrawable

# One row an hour, so that the number of rows has a bound. What is said is late by an hour at most.
YOUNG = text("""
    SELECT max(created_at) AS youngest, sum(amount)::bigint AS amount
    FROM ledger_entries
    WHERE wallet_id = :wallet_id AND reason = 'payout'
        AND created_at > clock() - CAST(:hold AS interval)
    GROUP BY date_trunc('hour', created_at, 'UTC') ORDER BY youngest
""")


@dataclass(frozen=True)
class Step:
    """From a time on (with a time zone), so much can be withdrawn in all, in minor units."""

    at: datetime
    amount: int


@dataclass(frozen=True)
class Withdrawable:
    """How much of a wallet can be withdrawn, in minor units."""

    now: int
    later: Sequence[Step] = ()
    """When more can be withdrawn, the earliest time first. The last step is the whole balance."""

    def when(self, amount: int) -> datetime | None:
        """Return from which time on an amount can be withdrawn, or None.

        None means now, or that the wallet does not have so much.
        """
        if amount <= self.now:
            return None
        return next((step.at for step in self.later if step.amount >= amount), None)


async def of_user(session: AsyncSession, user_id: int, terms: PayoutTerms) -> Withdrawable:
    """Return how much a person can withdraw now, and when more. Raises NotFound."""
    wallet = await wallets.of_user(session, user_id)
    return await _read(session, wallet, wallet.balance, terms)


async def require_free(
    session: AsyncSession, wallet: Wallet, amount: int, terms: PayoutTerms
) -> None:
    """Refuse a withdrawal that payouts which are too young would have to pay.

    Locks the wallet if its currency has a hold. Says nothing about an amount above the balance.
    Raises NotYetWithdrawable.
    """
    if terms.hold_days(wallet.currency) is None:
        return
    balance = await ledger.lock_wallet(session, wallet.id)
    found = await _read(session, wallet, balance, terms)
    until = found.when(amount)
    if until is not None:
        raise NotYetWithdrawable(amount, found.now, until, wallet.currency)


async def _read(
    session: AsyncSession, wallet: Wallet, balance: int, terms: PayoutTerms
) -> Withdrawable:
    days = terms.hold_days(wallet.currency)
    if days is None:
        return Withdrawable(balance)
    hold = timedelta(days=days)
    found = (await session.execute(YOUNG, {"wallet_id": wallet.id, "hold": hold})).all()
    young = sum(row.amount for row in found)
    now, later = max(0, balance - young), list[Step]()
    for row in found:
        young -= row.amount
        free = max(0, balance - young)
        if free > (later[-1].amount if later else now):
            later.append(Step(row.youngest + hold, free))
    return Withdrawable(now, later)
