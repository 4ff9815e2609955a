"""Read a correction (a repair of the books) with the data for the second admin's decision."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.corrections import Correction
from db.models.money import Escrow, EscrowStatus, Wallet
from db.models.posting import PostJob, PostJobStatus
from db.models.users import Role
from services.money import corrections, reconciliation
from services.money.reconciliation import Explanation
from services.platform import errors, users


@dataclass(frozen=True)
class WalletDetails:
    """A wallet of a correction, with the faults that were found in the wallet."""

    telegram_id: int | None
    """The Telegram id of the wallet's person, or None if the wallet has no person."""
    books: Explanation


@dataclass(frozen=True)
class Settlement:
    """The escrow and the post job of a placement, with amounts in minor units."""

    amount: int
    fee: int
    escrow_status: EscrowStatus
    job_status: PostJobStatus | None


@dataclass(frozen=True)
class CorrectionDetails:
    """A correction with its people, its wallets and its placement."""

    correction: Correction
    proposer_telegram_id: int
    proposer_roles: frozenset[Role]
    """The roles that the proposer has now."""
    confirmer_telegram_id: int | None
    applier_telegram_id: int | None
    wallets: Sequence[WalletDetails]
    """The wallets of the correction: first the wallet that gives, then the wallet that gets."""
    settlement: Settlement | None

    @property
    def needs_owner_role(self) -> bool:
        """Return whether only the database owner's role can carry out the correction."""
        return self.correction.kind not in corrections.DONE_BY_CONFIRMATION


async def get(session: AsyncSession, correction_id: int) -> CorrectionDetails:
    """Return the details of one correction. Raises NotFound."""
    correction = await session.get(Correction, correction_id, populate_existing=True)
    if correction is None:
        raise errors.NotFound("correction", correction_id)
    proposer = await users.get(session, correction.proposed_by)
    settlement, wallet_ids = None, [correction.wallet_id, correction.other_wallet_id]
    if correction.target_id is not None:
        settlement, escrow_wallet_id = await _settlement(session, correction.target_id)
        wallet_ids = [escrow_wallet_id]
    return CorrectionDetails(
        correction=correction,
        proposer_telegram_id=proposer.telegram_id,
        proposer_roles=await users.roles(session, proposer.id),
        confirmer_telegram_id=await _telegram_id(session, correction.confirmed_by),
        applier_telegram_id=await _telegram_id(session, correction.applied_by),
        wallets=[await _wallet_details(session, id_) for id_ in wallet_ids if id_ is not None],
        settlement=settlement,
    )


async def _telegram_id(session: AsyncSession, user_id: int | None) -> int | None:
    return None if user_id is None else (await users.get(session, user_id)).telegram_id


async def _wallet_details(session: AsyncSession, wallet_id: int) -> WalletDetails:
    wallet = await session.get_one(Wallet, wallet_id)
    return WalletDetails(
        telegram_id=await _telegram_id(session, wallet.user_id or wallet.counterparty_id),
        books=await reconciliation.explain(session, wallet_id),
    )


async def _settlement(session: AsyncSession, target_id: int) -> tuple[Settlement, int]:
    row = (
        await session.execute(
            select(Escrow, PostJob.status)
            .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
            .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
            .where(CampaignTarget.id == target_id)
            .execution_options(populate_existing=True)
        )
    ).one()
    escrow, job_status = row
    return Settlement(escrow.amount, escrow.fee, escrow.status, job_status), escrow.wallet_id
