"""A correction as the second person is asked about it: what would change, and what the books say.

Read anew each time: between the proposal and the confirmation the books may have moved on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.money import Correction, Escrow, EscrowStatus, Wallet
from db.models.posting import PostJob, PostJobStatus
from db.models.users import Role
from services.money import corrections, reconciliation
from services.money.reconciliation import Explanation
from services.platform import errors, users


@dataclass(frozen=True)
class WalletDetails:
    """A wallet that a correction is about, explained as `adtech reconcile` does."""

    telegram_id: int | None
    """Whose money it is, or who is on the other side of the platform's wallet."""
    books: Explanation


@dataclass(frozen=True)
class Settlement:
    """The placement that a correction is about. Minor units."""

    amount: int
    fee: int
    escrow_status: EscrowStatus
    job_status: PostJobStatus | None


@dataclass(frozen=True)
class CorrectionDetails:
    """What waits for a second person, or what became of it."""

    correction: Correction
    proposer_telegram_id: int
    proposer_roles: frozenset[Role]
    """What they are by now."""
    confirmer_telegram_id: int | None
    places: Sequence[WalletDetails]
    """The wallets: of an adjustment who gives, then who gets; of a placement its escrow's."""
    settlement: Settlement | None

    @property
    def takes_owner(self) -> bool:
        """Whether it is done by the owner's role after its confirmation."""
        return self.correction.kind not in corrections.BY_CONFIRMATION


async def get(session: AsyncSession, correction_id: int) -> CorrectionDetails:
    """Return one correction as admins are asked about it. Raises NotFound."""
    correction = await session.get(Correction, correction_id, populate_existing=True)
    if correction is None:
        raise errors.NotFound("correction", correction_id)
    proposer = await users.get(session, correction.proposed_by)
    confirmer = None
    if correction.confirmed_by is not None:
        confirmer = (await users.get(session, correction.confirmed_by)).telegram_id
    settlement, wallets = None, [correction.wallet_id, correction.other_wallet_id]
    if correction.target_id is not None:
        settlement, escrow_wallet = await _settlement(session, correction.target_id)
        wallets = [escrow_wallet]
    return CorrectionDetails(
        correction=correction,
        proposer_telegram_id=proposer.telegram_id,
        proposer_roles=await users.roles(session, proposer.id),
        confirmer_telegram_id=confirmer,
        places=[await _place(session, wallet) for wallet in wallets if wallet is not None],
        settlement=settlement,
    )


async def _place(session: AsyncSession, wallet_id: int) -> WalletDetails:
    wallet = await session.get_one(Wallet, wallet_id)
    whose = wallet.user_id or wallet.counterparty_id
    return WalletDetails(
        telegram_id=None if whose is None else (await users.get(session, whose)).telegram_id,
        books=await reconciliation.explain(session, wallet_id),
    )


async def _settlement(session: AsyncSession, target_id: int) -> tuple[Settlement, int]:
    """Return what became of a placement's money by its status, and the escrow's wallet."""
    found = (
        await session.execute(
            select(Escrow, PostJob.status)
            .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
            .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
            .where(CampaignTarget.id == target_id)
            .execution_options(populate_existing=True)
        )
    ).one()
    escrow, job_status = found
    return Settlement(escrow.amount, escrow.fee, escrow.status, job_status), escrow.wallet_id
