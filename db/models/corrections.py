"""Define the table of corrections (repairs of the books). Amounts are whole minor units."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, enum_column


class CorrectionKind(StrEnum):
    """The kind of repair that a correction makes."""

    ADJUSTMENT = "adjustment"
    """Move an amount between two wallets that have no fault."""
    MISSING_PAYOUT = "missing_payout"
    """Pay out an escrow that was marked as released without a payout."""
    BALANCE_RESET = "balance_reset"
    """Set a wallet's wrong balance to the balance after the wallet's last entry."""
    ORPHAN_ENTRY = "orphan_entry"
    """Complete the transfer of an entry that no other entry balances, then reverse the transfer."""
    ESCROW_REVERSAL = "escrow_reversal"
    """Set a released or refunded escrow back to held, because no money has moved."""


class CorrectionStatus(StrEnum):
    """The status of a correction."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    """The command `adtech repair` must carry out the correction."""
    DONE = "done"
    DROPPED = "dropped"


class Correction(Base):
    """A repair of the books, which one admin proposes and another admin confirms."""

    __tablename__ = "corrections"
    __table_args__ = (
        CheckConstraint("proposed_by <> confirmed_by", name="two_people"),
        CheckConstraint(
            "CASE status WHEN 'proposed' THEN confirmed_by IS NULL WHEN 'dropped' THEN true"
            " ELSE confirmed_by IS NOT NULL END"
            " AND (confirmed_by IS NULL) = (confirm_reason IS NULL)"
            " AND (status = 'done') = (done_at IS NOT NULL)",
            name="status_shown",
        ),
        CheckConstraint(
            "CASE kind WHEN 'adjustment' THEN wallet_id <> other_wallet_id AND amount > 0"
            " AND entry_id IS NULL AND target_id IS NULL"
            " WHEN 'balance_reset' THEN wallet_id IS NOT NULL AND other_wallet_id IS NULL"
            " AND amount IS NULL AND entry_id IS NULL AND target_id IS NULL"
            " WHEN 'orphan_entry' THEN wallet_id IS NOT NULL AND amount <> 0"
            " AND entry_id IS NOT NULL AND target_id IS NULL"
            " ELSE target_id IS NOT NULL AND wallet_id IS NULL AND other_wallet_id IS NULL"
            " AND amount IS NULL AND entry_id IS NULL END IS TRUE",
            name="what",
        ),
        # Only one correction of the same wallet, entry or target is open at a time.
        Index(
            "uq_corrections_open",
            "kind",
            text("coalesce(wallet_id, target_id)"),
            text("coalesce(entry_id, 0)"),
            unique=True,
            postgresql_where=text("kind <> 'adjustment' AND status IN ('proposed', 'confirmed')"),
        ),
        Index(
            "uq_corrections_entry_id",
            "entry_id",
            unique=True,
            postgresql_where=text("status = 'done'"),
        ),
        Index(
            "ix_corrections_open",
            "id",
            postgresql_where=text("status IN ('proposed', 'confirmed')"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[CorrectionKind] = mapped_column(enum_column(CorrectionKind))
    wallet_id: Mapped[int | None] = mapped_column(ForeignKey("wallets.id"))
    """The wallet that is repaired, or that gives the amount of an adjustment."""
    other_wallet_id: Mapped[int | None] = mapped_column(ForeignKey("wallets.id"))
    """The wallet that gets the amount of an adjustment, or that balances an orphan entry."""
    amount: Mapped[int | None]
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entries.id"))
    """The orphan entry that the correction balances."""
    target_id: Mapped[int | None] = mapped_column(ForeignKey("campaign_targets.id"))
    status: Mapped[CorrectionStatus] = mapped_column(
        enum_column(CorrectionStatus), server_default="proposed"
    )
    key: Mapped[str | None] = mapped_column(unique=True)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    # This is no foreign key: handled updates are deleted later.
    proposed_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the proposer's press of "That was me"."""
    reason: Mapped[str]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    confirmed_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the button press or the command of `confirmed_by`."""
    confirm_reason: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    """When the correction was confirmed. Null for a correction that ended before 0016."""
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The admin who signed that they apply the correction with the database owner's role."""
    done_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
