"""Define the tables of money, with amounts in whole minor units."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, Txn, correlation_index, enum_column
from db.models.intake import Comparison


class WalletKind(StrEnum):
    """The purpose of a wallet."""

    USER = "user"
    """The money that a person can spend or withdraw."""
    ESCROW = "escrow"
    """The money of one target (one purchase of a post) until its release or refund."""
    REVENUE = "revenue"
    """The platform's fees from one owner of channels."""
    EXTERNAL = "external"
    """The counterpart of one person's money outside the platform. Its balance can be below zero."""
    WITHDRAWAL = "withdrawal"
    """The money of a person's open withdrawals, and of deposits that are being given back."""
    LOSS = "loss"
    """The money that one person owes to the platform, as a balance of zero or below."""


class Reason(StrEnum):
    """The reason for a transfer, and for each of its entries."""

    DEPOSIT = "deposit"
    ESCROW_HOLD = "escrow_hold"
    PAYOUT = "payout"
    FEE = "fee"
    """The fee of a release, in a transfer with the reason `payout`."""
    ESCROW_RELEASE = "escrow_release"
    """The money out of the escrow of a release, in a transfer with the reason `payout`."""
    REFUND = "refund"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    WITHDRAWAL = "withdrawal"
    WITHDRAWAL_FEE = "withdrawal_fee"
    """The platform's fee of a paid withdrawal, in a transfer with the reason `withdrawal`."""
    WITHDRAWAL_RETURN = "withdrawal_return"
    CLAWBACK = "clawback"
    EXCESS_PAYMENT = "excess_payment"
    RETURN_HOLD = "return_hold"
    """The money of a deposit that is given back is held until Telegram has refunded the payment."""
    DEPOSIT_RETURN = "deposit_return"
    RETURN_REFUSED = "return_refused"
    """The held money goes back into the wallet, because the payment was not refunded."""
    ADJUSTMENT = "adjustment"


class EscrowStatus(StrEnum):
    """The status of an escrow, which is released or refunded only once."""

    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"


class DepositStatus(StrEnum):
    """The status of a deposit."""

    RECEIVED = "received"
    CREDITED = "credited"
    CLAWED_BACK = "clawed_back"
    RETURNED = "returned"
    """The platform has given the deposit back, at the wish of its payer."""


class WithdrawalStatus(StrEnum):
    """The status of a withdrawal (a person's request to be paid out)."""

    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    RETURNED = "returned"


class Wallet(Base):
    """A row that holds an amount of money.

    Only the database functions `post_transfer` and `open_wallet` write rows for the application.
    """

    __tablename__ = "wallets"
    __table_args__ = (
        CheckConstraint("balance >= 0 OR kind IN ('external', 'loss')", name="not_negative"),
        CheckConstraint("version >= 0", name="version"),
        CheckConstraint(
            "(kind IN ('user', 'withdrawal') AND user_id IS NOT NULL AND counterparty_id IS NULL)"
            " OR (kind IN ('revenue', 'external', 'loss') AND user_id IS NULL"
            " AND counterparty_id IS NOT NULL)"
            " OR (kind = 'escrow' AND user_id IS NULL AND counterparty_id IS NULL)",
            name="belongs",
        ),
        Index(
            "uq_wallets_user_id_kind",
            "user_id",
            "kind",
            unique=True,
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        Index(
            "uq_wallets_counterparty_id_kind",
            "counterparty_id",
            "kind",
            unique=True,
            postgresql_where=text("counterparty_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person who has the money. Null in all other wallets."""
    counterparty_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person for whom the platform keeps a revenue, external or loss wallet, or null."""
    kind: Mapped[WalletKind] = mapped_column(enum_column(WalletKind))
    balance: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the wallet's entries, which are numbered from 1."""
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]


class LedgerTransfer(Base):
    """One movement of money. Rows never change."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        # The database itself allows only one settlement of a target: a release or a refund.
        Index(
            "uq_ledger_transfers_settlement",
            "reference_id",
            unique=True,
            postgresql_where=text("reason IN ('payout', 'refund')"),
        ),
        Index(
            "uq_ledger_transfers_hold",
            "reference_id",
            unique=True,
            postgresql_where=text("reason = 'escrow_hold'"),
        ),
        CheckConstraint(
            "reason NOT IN ('fee', 'escrow_release', 'withdrawal_fee')", name="reason_of_transfer"
        ),
        correlation_index("ledger_transfers"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[Reason] = mapped_column(enum_column(Reason))
    reference_id: Mapped[int]
    """The id of the row that caused the transfer: a target in a hold, payout or refund."""
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The user who caused the transfer. Null means the system."""
    correlation_id: Mapped[CorrelationId]
    created_at: Mapped[CreatedAt]


class LedgerEntry(Base):
    """One leg of a transfer: one wallet and one signed amount.

    The legs of a transfer sum to zero. Rows never change.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="not_zero"),
        UniqueConstraint("wallet_id", "version", postgresql_include=["amount", "balance_after"]),
        UniqueConstraint("transfer_id", "wallet_id"),
        Index("ix_ledger_entries_reference_id_reason", "reference_id", "reason"),
        Index(
            "ix_ledger_entries_payouts",
            "wallet_id",
            "created_at",
            postgresql_where=text("reason = 'payout'"),
        ),
    )

    id: Mapped[Key]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfers.id"))
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"))
    amount: Mapped[int]
    balance_after: Mapped[int]
    version: Mapped[int]
    """The number of this entry in its wallet, from 1."""
    reason: Mapped[Reason] = mapped_column(enum_column(Reason))
    reference_id: Mapped[int]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]


class Escrow(Base):
    """The money that is held for one target (a placement), in its own wallet."""

    __tablename__ = "escrows"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("fee >= 0 AND fee < amount", name="fee"),
        CheckConstraint("(status = 'held') = (settled_at IS NULL)", name="settled"),
        CheckConstraint(
            "returned = 0 OR (returned > 0 AND returned < amount AND status = 'released')",
            name="returned",
        ),
        Index("ix_escrows_held", "release_due_at", postgresql_where=text("status = 'held'")),
        Index("ix_escrows_held_since", "created_at", postgresql_where=text("status = 'held'")),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), unique=True
    )
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"), unique=True)
    amount: Mapped[int]
    fee: Mapped[int]
    """The platform's part of the amount, in minor units."""
    status: Mapped[EscrowStatus] = mapped_column(enum_column(EscrowStatus), server_default="held")
    release_due_at: Mapped[datetime | None]
    """The end of the time that the post must stay. Null before that time begins."""
    settled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    returned: Mapped[int] = mapped_column(server_default=text("0"))
    """The part of a release that went back to the advertiser, by a split after a complaint."""


class Deposit(Base):
    """A payment that a person has made to the platform."""

    __tablename__ = "deposits"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_deposits_received", "id", postgresql_where=text("status = 'received'")),
        Index(
            "ix_deposits_uncompared",
            "id",
            postgresql_where=text("currency = 'XTR' AND comparison IS NULL"),
        ),
        Index(
            "ix_deposits_uncompared_refunds",
            "id",
            postgresql_where=text(
                "currency = 'XTR' AND refund_comparison IS NULL"
                " AND status IN ('clawed_back', 'returned')"
            ),
        ),
        Index("ix_deposits_user_id", "user_id"),
        correlation_index("deposits"),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    source: Mapped[str]
    """The source of the payment: `stars` for Telegram Stars, `telegram` for any other currency."""
    external_reference: Mapped[str] = mapped_column(unique=True)
    """The provider's id of the payment."""
    status: Mapped[DepositStatus] = mapped_column(
        enum_column(DepositStatus), server_default="received"
    )
    credited_at: Mapped[datetime | None]
    comparison: Mapped[Comparison | None] = mapped_column(enum_column(Comparison))
    """The result of the comparison with Telegram's list. Always null for money other than Stars."""
    refund_comparison: Mapped[Comparison | None] = mapped_column(
        enum_column(Comparison, "refund_comparison")
    )
    """The result of the same comparison for the refund of the deposit."""
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    correlation_id: Mapped[CorrelationId]


class ExternalReference(Base):
    """An external reference that a payment for a withdrawal has, for example a bank's id.

    The withdrawals and the payments in excess share these references. Database triggers add the
    rows. Nobody removes them.
    """

    __tablename__ = "external_references"

    external_reference: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[CreatedAt]


class Withdrawal(Base):
    """A person's request to get money from the platform."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "(status IN ('paid', 'returned')) = (settled_at IS NOT NULL)"
            " AND (status = 'paid') = (external_reference IS NOT NULL)",
            name="settled",
        ),
        CheckConstraint("(paying_by IS NULL) = (paying_until IS NULL)", name="paying"),
        CheckConstraint("fee >= 0 AND fee < amount", name="fee"),
        CheckConstraint("hold_days > 0", name="hold_days"),
        Index("ix_withdrawals_user_id", "user_id"),
        Index(
            "ix_withdrawals_open",
            "id",
            postgresql_where=text("status IN ('requested', 'approved')"),
        ),
    )

    id: Mapped[Key]
    key: Mapped[str | None] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[WithdrawalStatus] = mapped_column(
        enum_column(WithdrawalStatus), server_default="requested"
    )
    external_reference: Mapped[str | None] = mapped_column(unique=True)
    """The provider's id of the payment, or null."""
    destination_id: Mapped[int | None] = mapped_column(ForeignKey("payout_destinations.id"))
    """Where the person is paid, or null if the platform offered no method at the request."""
    fee: Mapped[int] = mapped_column(server_default=text("0"))
    """The part of the amount that the platform keeps when the person is paid, in minor units."""
    hold_days: Mapped[int | None]
    """The number of days that payouts had to stay in the wallet at the request, or null."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    paying_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    paying_until: Mapped[datetime | None]
    """The end of the claim of the admin `paying_by`."""
    return_reason: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    correlation_id: Mapped[CorrelationId]

    @property
    def payable(self) -> int:
        """The amount that the person is paid outside the platform: without the fee."""
        return self.amount - self.fee
