"""Test that the database refuses wrong changes of the ledger, even from the tables' owner."""

import asyncpg
import pytest

from services.money import escrow
from tests.conftest import Database
from tests.db.guarded import done, post, refused
from tests.factories import breakage, people

APPEND_ONLY = {
    "ledger_entries": "reason",
    "ledger_transfers": "reason",
    "audit_chain_links": "digest",
    "clawbacks": "loss",
    "user_audit_logs": "action",
}
"""The tables whose rows never change, and one column of each table."""
NEVER_DELETED = ("wallets", "escrows", "deposits", "withdrawals", "corrections")


@pytest.mark.parametrize("name", APPEND_ONLY)
@pytest.mark.parametrize(
    "verb", ["UPDATE {} SET {column} = {column}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_append_only_rows_cannot_be_changed(
    database: Database, owner: asyncpg.Connection, name: str, verb: str
) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
    await refused(owner, "AD006", verb.format(name, column=APPEND_ONLY[name]))


@pytest.mark.parametrize("name", NEVER_DELETED)
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_rows_that_money_depends_on_cannot_be_deleted(
    database: Database, owner: asyncpg.Connection, name: str, verb: str
) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    await refused(owner, "AD006", verb.format(name))


async def test_a_transfer_sums_to_zero(database: Database, owner: asyncpg.Connection) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
    wallet, version = await owner.fetchrow("SELECT id, version FROM wallets WHERE kind = 'user'")
    entry = (
        "INSERT INTO ledger_entries"
        " (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id) VALUES"
    )
    await refused(
        owner,
        "AD007",
        "INSERT INTO ledger_transfers (key, reason, reference_id) VALUES ('x', 'adjustment', 1)",
        f"{entry} ((SELECT max(id) FROM ledger_transfers), {wallet}, 5, 105, {version + 1},"
        " 'adjustment', 1)",
    )


async def test_invalid_legs_are_refused(database: Database, owner: asyncpg.Connection) -> None:
    async with database.sessions.begin() as session:
        for _ in range(2):
            await people.person(session, balance=100)
    a, b = await owner.fetchrow("SELECT min(id), max(id) FROM wallets WHERE kind = 'user'")
    leg = "adjustment"
    await refused(owner, "AD003", post("k", leg, 1, (a, -5, leg), (b, 6, leg)))
    await refused(owner, "AD003", post("k", leg, 1, (a, 0, leg), (b, 0, leg)))
    await refused(owner, "AD003", post("k", leg, 1, (a, 0, leg)))
    for wallets, amounts, reasons in (
        ("{}", "{}", "{}"),
        (f"{{{a},{b}}}", "{-5,2,3}", "{adjustment,adjustment}"),
        (f"{{{a},{b}}}", "{-5,5}", "{adjustment}"),
        (f"{{{a},{b}}}", "{NULL,NULL}", "{adjustment,adjustment}"),
    ):
        await refused(
            owner,
            "AD003",
            f"SELECT post_transfer('k', '{leg}', 1, '{wallets}', '{amounts}', '{reasons}',"
            " NULL, NULL)",
        )
    await refused(owner, "AD004", post("k", leg, 1, (a, -5, leg), (999_999, 5, leg)))
    await refused(owner, "AD004", post("k", leg, 1, (a, -5, leg), (a, 5, leg)))
    await refused(owner, "AD002", post("k", leg, 1, (a, -101, leg), (b, 101, leg)))
    await refused(
        owner,
        "AD018",  # a transfer without legs is refused at the commit
        "INSERT INTO ledger_transfers (key, reason, reference_id) VALUES ('x', 'adjustment', 1)",
    )


async def test_a_balance_changes_only_by_entries(
    database: Database, owner: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
        await people.person(session, balance=50)
    mine = "WHERE id = (SELECT min(id) FROM wallets WHERE kind = 'user')"
    await refused(owner, "AD010", f"UPDATE wallets SET balance = balance + 1 {mine}")
    await refused(
        owner, "AD010", f"UPDATE wallets SET balance = balance + 1, version = version + 1 {mine}"
    )
    await refused(owner, "AD010", f"UPDATE wallets SET balance = 0, version = 0 {mine}")
    await refused(owner, "AD010", f"UPDATE wallets SET version = version + 1 {mine}")
    await refused(owner, "23514", f"UPDATE wallets SET balance = -1 {mine}")
    for column in ("user_id = (SELECT max(id) FROM users)", "currency = 'EUR'"):
        await refused(
            owner,
            "AD009",
            "DROP INDEX uq_wallets_user_id_kind",
            f"UPDATE wallets SET {column} {mine}",
        )
    await refused(owner, "AD009", f"UPDATE wallets SET kind = 'withdrawal' {mine}")
    await refused(
        owner,
        "AD008",
        "INSERT INTO wallets (kind, balance, version, currency) VALUES ('escrow', 5, 1, 'USD')",
    )
    for balance, version in ((5, 0), (0, 1)):
        await refused(
            owner,
            "AD008",
            "INSERT INTO wallets (kind, balance, version, currency)"
            f" VALUES ('escrow', {balance}, {version}, 'USD')",
        )
    untouched = "WHERE id = (SELECT max(id) FROM wallets WHERE version = 0)"
    await owner.execute("SELECT open_wallet('escrow', NULL, NULL, 'USD')")
    await refused(owner, "AD009", f"UPDATE wallets SET id = DEFAULT {untouched}")
    await owner.execute("ALTER TABLE wallets DISABLE TRIGGER never_deleted")
    await owner.execute(f"DELETE FROM wallets {untouched}")


async def test_a_key_belongs_to_one_transfer(database: Database, owner: asyncpg.Connection) -> None:
    async with database.sessions.begin() as session:
        for _ in range(2):
            await people.person(session, balance=100)
    a, b = await owner.fetchrow("SELECT min(id), max(id) FROM wallets WHERE kind = 'user'")
    leg = "adjustment"
    admins = await people.admins(database.sessions)
    await database.as_owner(breakage.UNSIGNED)
    async with owner.transaction():
        correction = await done(owner, admins, a, b, 5)
        made = await owner.fetchval(post("same", leg, correction, (a, -5, leg), (b, 5, leg)))
    again = await owner.fetchval(post("same", leg, correction, (b, 5, leg), (a, -5, leg)))
    assert made == (again[0], True)
    assert again == (made[0], False)
    assert await owner.fetchval("SELECT balance FROM wallets WHERE id = $1", a) == 95
    for other in (
        post("same", leg, correction, (a, -6, leg), (b, 6, leg)),
        post("same", leg, correction + 1, (a, -5, leg), (b, 5, leg)),
        post("same", "clawback", correction, (a, -5, leg), (b, 5, leg)),
        post("same", leg, correction, (a, -5, "clawback"), (b, 5, leg)),
        post("same", leg, correction, (a, 5, leg), (b, -5, leg)),
    ):
        await refused(owner, "AD001", other)


async def test_a_transfer_has_one_currency(database: Database, owner: asyncpg.Connection) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
    wallet = await owner.fetchval("SELECT id FROM wallets WHERE kind = 'user'")
    euro = await owner.fetchval("SELECT open_wallet('escrow', NULL, NULL, 'EUR')")
    leg = "adjustment"
    await refused(owner, "AD005", post("k", leg, 1, (wallet, -5, leg), (euro, 5, leg)))
    await owner.execute("ALTER TABLE wallets DISABLE TRIGGER never_deleted")
    await owner.execute("DELETE FROM wallets WHERE id = $1", euro)


async def test_an_escrow_settles_once(database: Database, owner: asyncpg.Connection) -> None:
    async with database.sessions.begin() as session:
        paid = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=paid.target.id)
        lost = await people.failed(session)
        await escrow.refund(session, target_id=lost.target.id)
    for deal, other in ((paid, "refunded"), (lost, "released")):
        mine = f"WHERE campaign_target_id = {deal.target.id}"
        for change in (f"status = '{other}'", "status = 'held', settled_at = NULL"):
            await refused(owner, "AD029", f"UPDATE escrows SET {change} {mine}")
        for change in ("settled_at = now()", "amount = 1"):
            await refused(owner, "AD011", f"UPDATE escrows SET {change} {mine}")
    a, b = await owner.fetchrow(
        "SELECT min(id), max(id) FROM wallets WHERE kind = 'user' AND balance > 4000"
    )
    for deal, reason in ((paid, "refund"), (lost, "payout"), (paid, "payout"), (lost, "refund")):
        await refused(
            owner,
            "23505",  # one settlement a target, by an index
            post(f"again:{reason}", reason, deal.target.id, (a, -5, reason), (b, 5, reason)),
        )


@pytest.mark.parametrize("change", ["amount = amount + 1", "fee = fee + 1", "wallet_id = {other}"])
async def test_a_held_escrow_keeps_its_terms(
    database: Database, owner: asyncpg.Connection, change: str
) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    other = await owner.fetchval("SELECT open_wallet('escrow', NULL, NULL, 'USD')")
    await refused(owner, "AD025", f"UPDATE escrows SET {change.format(other=other)}")
    await owner.execute("ALTER TABLE wallets DISABLE TRIGGER never_deleted")
    await owner.execute("DELETE FROM wallets WHERE id = $1", other)


async def test_escrow_and_transfers_match_at_commit(
    database: Database, owner: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        lost = await people.failed(session)
        stranger = await people.person(session, balance=100)
        pending = await people.deal(session)
    escrow_wallet = "SELECT wallet_id FROM escrows WHERE campaign_target_id = $1"
    wallet = await owner.fetchval(escrow_wallet, deal.target.id)
    lost_wallet = await owner.fetchval(escrow_wallet, lost.target.id)
    find = "SELECT id FROM wallets WHERE kind = 'user' AND user_id = $1"
    advertiser = await owner.fetchval(find, deal.advertiser.user_id)
    publisher = await owner.fetchval(find, deal.owner.user_id)
    thief = await owner.fetchval(find, stranger.user_id)
    buyer = await owner.fetchval(find, pending.advertiser.user_id)
    target, held = deal.target.id, f"WHERE campaign_target_id = {deal.target.id}"
    released = f"UPDATE escrows SET status = 'released', settled_at = now() {held}"
    refunded = (
        "UPDATE escrows SET status = 'refunded', settled_at = now()"
        f" WHERE campaign_target_id = {lost.target.id}"
    )
    revenue = await owner.fetchval(
        "SELECT open_wallet('revenue', NULL, $1, 'USD')", deal.owner.user_id
    )

    def settle(reason: str, *legs: tuple[int, int, str]) -> str:
        return post(f"{reason}:{target}", reason, target, *legs)

    out = (wallet, -5_000, "escrow_release")
    back = (wallet, -5_000, "refund")
    stolen = ((lost_wallet, -5_000, "refund"), (thief, 5_000, "refund"))
    # Refused: a status without its transfer, and a transfer without its status.
    await refused(owner, "AD012", released)
    await refused(owner, "AD012", refunded)
    await refused(owner, "AD012", settle("refund", back, (advertiser, 5_000, "refund")))
    # Refused: a refund or payout to the wrong person, a payout without the fee, a wrong status.
    await refused(owner, "AD012", post("stolen", "refund", lost.target.id, *stolen), refunded)
    await refused(
        owner,
        "AD012",
        settle("payout", out, (thief, 4_500, "payout"), (revenue, 500, "fee")),
        released,
    )
    await refused(owner, "AD012", settle("payout", out, (publisher, 5_000, "payout")), released)
    await refused(owner, "AD012", settle("refund", back, (advertiser, 5_000, "refund")), released)
    # Refused: a transfer out of the escrow with another reason.
    for reason in ("adjustment", "withdrawal", "clawback", "deposit"):
        await refused(
            owner, "AD019", post("x", reason, target, (wallet, -1, reason), (thief, 1, reason))
        )
    # Refused: a hold without an escrow, with a wrong price or fee, or into a spendable wallet.
    leg = "escrow_hold"
    await refused(
        owner,
        "AD012",
        post("h", leg, pending.target.id, (buyer, -5_000, leg), (wallet, 5_000, leg)),
    )
    own = "open_wallet('escrow', NULL, NULL, 'USD')"
    for wallet_id, price, fee in ((thief, 5_000, 500), (own, 4_999, 500), (own, 5_000, 499)):
        await refused(
            owner,
            "AD017",
            "INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)"
            f" VALUES ({pending.target.id}, {wallet_id}, {price}, {fee})",
            f"SELECT post_transfer('h', '{leg}', {pending.target.id}, ARRAY[{buyer},"
            f" (SELECT wallet_id FROM escrows WHERE campaign_target_id = {pending.target.id})],"
            f" ARRAY[{-price}, {price}]::bigint[], ARRAY['{leg}', '{leg}'], NULL, NULL)",
        )
    # A matching settlement is accepted.
    async with owner.transaction():
        await owner.execute(
            settle("payout", out, (publisher, 4_500, "payout"), (revenue, 500, "fee"))
        )
        await owner.execute(released)
        await owner.execute(f"UPDATE campaign_targets SET status = 'posted' WHERE id = {target}")
