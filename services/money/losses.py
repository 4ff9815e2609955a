"""Record in the ledger money that has already left the platform."""

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Reason, Wallet, WalletKind
from services.money import ledger
from services.money.ledger import Leg


async def post(
    session: AsyncSession,
    *,
    key: str,
    reason: Reason,
    reference_id: int,
    wallet: Wallet,
    recovered: int,
    loss: int,
) -> None:
    """Record in the ledger money that a person has already received outside the platform.

    The person's own wallet `wallet` gives `recovered`, and the platform's loss wallet gives `loss`
    (minor units). Locks the wallets.
    """
    user_id = queries.required(wallet.user_id)
    outside = await ledger.open_wallet(
        session, WalletKind.EXTERNAL, currency=wallet.currency, counterparty_id=user_id
    )
    legs = [Leg(outside, recovered + loss, reason)]
    if recovered:
        legs.append(Leg(wallet.id, -recovered, reason))
    if loss:
        loss_wallet = await ledger.open_wallet(
            session, WalletKind.LOSS, currency=wallet.currency, counterparty_id=user_id
        )
        legs.append(Leg(loss_wallet, -loss, reason))
    await ledger.post(session, key=key, reason=reason, reference_id=reference_id, legs=legs)
