"""Read how much the owners of channels earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Earned:
    """The payouts of one owner in one period. `amount` is in minor units, without the fee."""

    amount: int
    placements: int


_BY_PERIOD = text("""
    SELECT width_bucket(entry.created_at, CAST(:begins AS timestamptz[])) - 1 AS period,
        sum(entry.amount)::bigint AS amount, count(*) AS placements
    FROM ledger_entries entry
    JOIN wallets wallet ON wallet.id = entry.wallet_id
    WHERE wallet.user_id = :user_id AND wallet.kind = 'user' AND entry.reason = 'payout'
        AND entry.created_at >= :first
    GROUP BY 1
""")


async def by_period(
    session: AsyncSession, *, user_id: int, begins: Sequence[datetime]
) -> list[Earned]:
    """Return the payouts of an owner in each period, one result for each of `begins`.

    `begins` are the aware begins of the periods, the earliest first. A period ends where the next
    one begins, and the last period has no end.
    """
    rows = await session.execute(
        _BY_PERIOD, {"user_id": user_id, "begins": list(begins), "first": begins[0]}
    )
    found = {row.period: Earned(row.amount, row.placements) for row in rows}
    return [found.get(number, Earned(0, 0)) for number in range(len(begins))]
