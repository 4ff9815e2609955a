"""Define the tables of wallets, of the ledger, and of escrows, deposits and withdrawals.

Amounts are whole minor units.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column
from db.models.intake import Comparison


class WalletKind(StrEnum):
    """The purpose of a wallet. It decides which transfers can use the wallet."""

    USER = "user"
    """The money that a person can spend or withdraw."""
    ESCROW = "escrow"
    """The money of one target (one purchase of a post in a channel) until its release or refund."""
    REVENUE = "revenue"
    """The platform's fees from one owner of channels.

    Each owner has a separate wallet. Therefore releases to different owners do not wait for one
    row.
    """
    EXTERNAL = "external"
    """The wallet that stands for one person's money outside the platform.

    A deposit takes its amount from this wallet. A paid withdrawal adds its amount to this wallet.
    The balance can be below zero.
    """
    WITHDRAWAL = "withdrawal"
    """The money of a person's withdrawals that are not yet paid and not returned."""
    LOSS = "loss"
    """The money that one person owes to the platform. The balance is zero or below zero.

    The person spent a deposit and then reversed its payment, or got a payment in excess.
    """


class Reason(StrEnum):
    """The reason for a transfer, and for each of its entries."""

    DEPOSIT = "deposit"
    ESCROW_HOLD = "escrow_hold"
    PAYOUT = "payout"
    FEE = "fee"
    """The reason for the entry of the fee in a release.

    The whole transfer has the reason `payout`.
    """
    ESCROW_RELEASE = "escrow_release"
    """The reason for the entry that takes the money from the escrow in a release.

    The whole transfer has the reason `payout`.
    """
    REFUND = "refund"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    WITHDRAWAL = "withdrawal"
    WITHDRAWAL_RETURN = "withdrawal_return"
    CLAWBACK = "clawback"
    EXCESS_PAYMENT = "excess_payment"
    ADJUSTMENT = "adjustment"


class EscrowStatus(StrEnum):
    """The status of an escrow. An escrow ends only one time, by a release or by a refund."""

    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"


class DepositStatus(StrEnum):
    """The status of a deposit.

    It can become `credited` only while the kill switch `deposits` is running.
    """

    RECEIVED = "received"
    CREDITED = "credited"
    CLAWED_BACK = "clawed_back"


class WithdrawalStatus(StrEnum):
    """The status of a withdrawal (a person's request to be paid out)."""

    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    RETURNED = "returned"


class Wallet(Base):
    """A row that holds an amount of money.

    The application changes a balance only with the database function `post_transfer`. It inserts a
    row only with the database function `open_wallet`.
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
    """The person who has the money. Null in the platform's wallets and in escrow wallets."""
    counterparty_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person for whom the platform keeps a revenue, external or loss wallet.

    Null in other wallets.
    """
    kind: Mapped[WalletKind] = mapped_column(enum_column(WalletKind))
    balance: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))
    """How many entries the wallet has. The entries are numbered from 1 to this number."""
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]


class LedgerTransfer(Base):
    """One movement of money. Rows are only added, never changed."""

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
        CheckConstraint("reason NOT IN ('fee', 'escrow_release')", name="reason_of_transfer"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(unique=True)
    """The idempotency key. There is never a second transfer with the same key."""
    reason: Mapped[Reason] = mapped_column(enum_column(Reason))
    reference_id: Mapped[int]
    """The id of the row that caused the transfer, for example of the deposit.

    In a hold, a payout and a refund, this is the id of the target (a placement).
    """
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The id of the user who caused the transfer. Null means the system."""
    correlation_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class LedgerEntry(Base):
    """One leg of a transfer: one wallet and one signed amount. The legs of a transfer sum to zero.

    Rows are only added, never changed.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="not_zero"),
        UniqueConstraint("wallet_id", "version", postgresql_include=["amount", "balance_after"]),
        UniqueConstraint("transfer_id", "wallet_id"),
        Index("ix_ledger_entries_reference_id_reason", "reference_id", "reason"),
    )

    id: Mapped[Key]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfers.id"))
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"))
    amount: Mapped[int]
    balance_after: Mapped[int]
    version: Mapped[int]
    """The number of this entry in its wallet. The first entry has the number 1."""
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
        Index("ix_escrows_held", "release_due_at", postgresql_where=text("status = 'held'")),
        Index("ix_escrows_held_since", "created_at", postgresql_where=text("status = 'held'")),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), unique=True
    )
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"), unique=True)
    amount: Mapped[int]
    """The price of the target in minor units. The submission of the target fixes it."""
    fee: Mapped[int]
    """The platform's part of the amount, in minor units. A refund returns the whole amount."""
    status: Mapped[EscrowStatus] = mapped_column(enum_column(EscrowStatus), server_default="held")
    release_due_at: Mapped[datetime | None]
    """The end of the promised hours (the time that the post must stay).

    Null if they have not begun.
    """
    settled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]


class Deposit(Base):
    """A payment that a person has made to the platform."""

    __tablename__ = "deposits"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_deposits_received", "id", postgresql_where=text("status = 'received'")),
        Index(
            "ix_deposits_uncompared",
            "id",
            postgresql_where=text(
                "currency = 'XTR' AND comparison IS NULL AND status <> 'clawed_back'"
            ),
        ),
        Index("ix_deposits_user_id", "user_id"),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    source: Mapped[str]
    """The source of the payment: `stars` for Telegram Stars, `telegram` for any other currency."""
    external_reference: Mapped[str] = mapped_column(unique=True)
    """The idempotency key: the provider's id of the payment, for example Telegram's charge id."""
    status: Mapped[DepositStatus] = mapped_column(
        enum_column(DepositStatus), server_default="received"
    )
    credited_at: Mapped[datetime | None]
    comparison: Mapped[Comparison | None] = mapped_column(enum_column(Comparison))
    """The result of the comparison with Telegram's list, or null.

    A deposit in Stars has null until it is compared. Deposits in other currencies always have null.
    """
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]


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
        Index("ix_withdrawals_user_id", "user_id"),
        Index(
            "ix_withdrawals_open",
            "id",
            postgresql_where=text("status IN ('requested', 'approved')"),
        ),
    )

    id: Mapped[Key]
    key: Mapped[str | None] = mapped_column(unique=True)
    """The idempotency key of the request."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[WithdrawalStatus] = mapped_column(
        enum_column(WithdrawalStatus), server_default="requested"
    )
    external_reference: Mapped[str | None] = mapped_column(unique=True)
    """The id of the payment at the bank or another provider. Null if the withdrawal is not paid."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    paying_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    paying_until: Mapped[datetime | None]
    """The end of the claim of the admin `paying_by`.

    Until then, no other admin can claim the payment or return the money.
    """
    return_reason: Mapped[str | None]
    """The reason for the return of the money. The bot shows this reason to the person."""
    settled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
