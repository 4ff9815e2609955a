"""Tell people that a correction of the ledger has changed their wallet."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import Correction, CorrectionKind
from db.models.money import LedgerEntry, LedgerTransfer, Wallet, WalletKind
from services.platform import outbox


async def notify_people(session: AsyncSession, correction: Correction) -> None:
    """Notify each person to or from whose wallet a correction has moved money."""
    payout = correction.kind is CorrectionKind.MISSING_PAYOUT
    key = f"payout:{correction.target_id}" if payout else f"correction:{correction.id}"
    moved = await session.execute(
        select(Wallet.user_id, Wallet.currency, LedgerEntry.amount)
        .join(LedgerEntry, LedgerEntry.wallet_id == Wallet.id)
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .where(LedgerTransfer.key == key, Wallet.kind == WalletKind.USER)
        .order_by(Wallet.user_id)
    )
    for user_id, currency, amount in moved.all():
        await outbox.add(
            session,
            user_id=user_id,
            kind="wallet_corrected",
            payload={"amount": amount, "currency": currency},
            key=f"wallet_corrected:{correction.id}:{user_id}",
        )
