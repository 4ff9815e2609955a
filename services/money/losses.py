"""Book money that has already left the platform: by a reversed payment or a payment in excess.

The person's wallet gives what it has. The platform's loss wallet gives the rest.
"""

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
    """Book money that a person has already received outside the platform.

    `wallet` (the person's own) gives `recovered`, and the platform's loss wallet for this person
    gives `loss`. The person's external wallet, which stands for money outside the platform, gets
    both. Amounts are in minor units of the wallet's currency. Locks the wallets.
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
