"""Extend the audit chain, read its links, and change rows that the links protect."""

from db.session import Sessions
from services.money import audit_chain
from services.money.audit_chain import ChainLink
from tests.factories import business, people

FIRST = "(SELECT min(id) FROM ledger_entries WHERE reason = 'payout')"
WALLET = f"(SELECT wallet_id FROM ledger_entries WHERE id = {FIRST})"
TRANSFER = f"(SELECT transfer_id FROM ledger_entries WHERE id = {FIRST})"
OTHER = (
    f"(SELECT id FROM ledger_entries WHERE transfer_id = {TRANSFER} AND reason = 'escrow_release')"
)
OTHER_WALLET = f"(SELECT wallet_id FROM ledger_entries WHERE id = {OTHER})"
PLACEMENT = f"(SELECT reference_id FROM ledger_entries WHERE id = {FIRST})"
OWNER = f"(SELECT owner_id FROM campaign_targets WHERE id = {PLACEMENT})"
CAMPAIGN = f"(SELECT campaign_id FROM campaign_targets WHERE id = {PLACEMENT})"
CHANNEL = f"(SELECT channel_id FROM campaign_targets WHERE id = {PLACEMENT})"
# After `fill`, most of these statements change rows of the second link. Only the statements of
# "an entry more, dated back" add a row to the first link.
REWRITES: dict[str, tuple[str, ...]] = {
    "an amount, with every balance that follows from it": (
        (
            f"UPDATE ledger_entries SET amount = amount - 1, balance_after = balance_after - 1"
            f" WHERE id = {FIRST}"
        ),
        (
            f"UPDATE ledger_entries SET amount = amount + 1, balance_after = balance_after + 1"
            f" WHERE id = {OTHER}"
        ),
        f"UPDATE wallets SET balance = balance - 1 WHERE id = {WALLET}",
        f"UPDATE wallets SET balance = balance + 1 WHERE id = {OTHER_WALLET}",
    ),
    "whose wallet it is": (
        (
            "UPDATE wallets SET user_id = (SELECT max(id) FROM users)"
            f" WHERE id = {WALLET} AND EXISTS (SELECT 1)"
        ),
    ),
    "what kind of wallet it is": (f"UPDATE wallets SET kind = 'withdrawal' WHERE id = {WALLET}",),
    "the key of a transfer": (
        f"UPDATE ledger_transfers SET key = key || 'x' WHERE id = {TRANSFER}",
    ),
    "who caused a transfer": (f"UPDATE ledger_transfers SET actor_id = 1 WHERE id = {TRANSFER}",),
    "the update that caused a transfer": (
        f"UPDATE ledger_transfers SET correlation_id = 'another' WHERE id = {TRANSFER}",
    ),
    "the currency of a wallet": (
        f"UPDATE wallets SET currency = 'EUR' WHERE id = {WALLET} AND EXISTS (SELECT 1)",
    ),
    "when it was": (
        (
            "UPDATE ledger_entries SET created_at = created_at - interval '1 microsecond'"
            f" WHERE id = {FIRST}"
        ),
    ),
    **{
        f"{column} of {table}": (f"UPDATE {table} SET {column} = {value} WHERE id = {row}",)
        for table, row, column, value in (
            ("users", OWNER, "telegram_id", "1"),
            ("campaign_targets", PLACEMENT, "price", "price - 1"),
            ("campaign_targets", PLACEMENT, "fee_bps", "0"),
            ("campaign_targets", PLACEMENT, "promised_hours", "1"),
            ("campaign_targets", PLACEMENT, "publish_at", "now()"),
            ("campaign_targets", PLACEMENT, "owner_id", "(SELECT max(id) FROM users)"),
            ("campaigns", CAMPAIGN, "advertiser_id", "(SELECT max(id) FROM users)"),
            ("campaigns", CAMPAIGN, "creative", """creative || '{"text": "other"}'"""),
            ("channels", CHANNEL, "chat_id", "1"),
            (
                "escrows",
                f"(SELECT id FROM escrows WHERE campaign_target_id = {PLACEMENT})",
                "fee",
                "0",
            ),
        )
    },
    "an entry less": (f"DELETE FROM ledger_entries WHERE id = {FIRST}",),
    "an entry more, dated back": (
        (
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id, txn)"
            f" SELECT {TRANSFER}, (SELECT max(id) FROM wallets WHERE kind = 'user'), 1, 1, 99,"
            " 'adjustment', 1, 3"
        ),
    ),
    "an entry in another range": (
        f"UPDATE ledger_entries SET txn = txn + 1000000000 WHERE id = {FIRST}",
    ),
}
"""SQL statements that falsify the ledger, by the name of the change."""


async def extend(sessions: Sessions, limit: int = audit_chain.ENTRIES_AT_ONCE) -> ChainLink | None:
    """Add one link to the chain, and return the link, or None if there are no new rows."""
    async with sessions.begin() as session:
        return await audit_chain.extend(session, limit=limit)


async def links(sessions: Sessions) -> list[ChainLink]:
    """Return all links of the chain, oldest first."""
    async with sessions.begin() as session:
        return await audit_chain.links_after(session, 0, limit=1_000)


async def fill(sessions: Sessions) -> None:
    """Create a chain of three links. The second link protects placements and their money."""
    async with sessions.begin() as session:
        await people.person(session, balance=700)
    assert await extend(sessions) is not None
    async with sessions.begin() as session:
        await business.create_placements(session)
    assert await extend(sessions) is not None
    async with sessions.begin() as session:
        await people.person(session, balance=900)
    assert await extend(sessions) is not None
