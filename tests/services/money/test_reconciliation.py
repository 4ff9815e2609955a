"""Test how wrong entries of a wallet are found and repaired."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from services.money import corrections, escrow, invariants, reconciliation, wallets
from services.money.reconciliation import Explanation, Finding
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import breakage, payments, people, presses, rows


class Scene:
    """A person whose wallet has three entries, and two admins."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.person = self.proposer = self.confirmer = Actor(None)
        self.wallet = 0

    async def explained(self) -> Explanation:
        """Return the balance, the entries and the findings of the person's wallet."""
        async with self.database.sessions.begin() as session:
            return await reconciliation.explain(session, self.wallet)

    async def found(self) -> list[tuple[int, list[str]]]:
        """Return the findings by entry number. The number 0 stands for the whole wallet."""
        seen = await self.explained()
        lines = [(line.version, [f.value for f in line.findings]) for line in seen.lines]
        whole = [(0, [f.value for f in seen.findings])]
        return [(version, findings) for version, findings in whole + lines if findings]

    async def sign(self, propose: str, what: int) -> Any:
        """Return a repair that one admin has proposed and another admin has confirmed."""
        return await breakage.confirmed_correction(
            self.database, self.proposer, self.confirmer, propose, what
        )

    async def one(self, sql: str) -> Any:
        """Run a query, and return its value. The parameter `:wallet` is the wallet's id."""
        async with self.database.sessions.begin() as session:
            return await rows.one(session, sql, wallet=self.wallet)

    async def broken(self) -> set[str]:
        """Return the names of the violated invariants."""
        async with self.database.sessions.begin() as session:
            return {violation.name for violation in await invariants.run(session)}


@pytest.fixture
async def scene(database: Database) -> Scene:
    made = Scene(database)
    async with database.sessions.begin() as session:
        made.person = await people.person(session, balance=100)
        for n, amount in enumerate((20, 3)):
            await payments.deposit(
                session,
                user_id=made.person.user_id or 0,
                amount=amount,
                key=f"more-{n}",
                source="telegram",
            )
        made.wallet = (await wallets.of_user(session, made.person.user_id or 0)).id
        made.proposer, made.confirmer = await people.staff(session), await people.staff(session)
    return made


async def test_a_sound_wallet_is_explained(scene: Scene) -> None:
    seen = await scene.explained()
    assert seen.sound
    assert (seen.balance, seen.version, seen.ledger_sum, seen.kind) == (123, 3, 123, "user")
    assert [
        (line.version, line.amount, line.balance_after, line.expected) for line in seen.lines
    ] == [
        (1, 100, 100, 100),
        (2, 20, 120, 120),
        (3, 3, 123, 123),
    ]
    with pytest.raises(errors.NotFound):
        async with scene.database.sessions.begin() as session:
            await reconciliation.explain(session, 999_999)


@pytest.mark.parametrize(
    "change", ["balance = balance + 7", "version = version - 1", "balance = 0, version = 0"]
)
async def test_a_drifted_balance_is_reset_to_its_last_entry(scene: Scene, change: str) -> None:
    await breakage.run_unguarded(
        scene.database, f"UPDATE wallets SET {change} WHERE id = {scene.wallet}"
    )
    assert (0, ["drifted_balance"]) in await scene.found()
    signed = await scene.sign("reset", scene.wallet)
    assert signed.status == "confirmed"
    assert (0, ["drifted_balance"]) in await scene.found()  # the confirmation alone changes nothing
    assert (await breakage.execute_correction(scene.database, signed)).status == "done"
    seen = await scene.explained()
    assert (seen.sound, seen.balance, seen.version) == (True, 123, 3)
    assert await scene.broken() == set()
    again = await breakage.execute_correction(scene.database, signed)
    assert again.done_at is not None


@pytest.mark.parametrize("after", ["balance", "balance + 50", "12345"])
async def test_an_orphan_is_balanced_by_a_correction_that_names_it(
    scene: Scene, after: str
) -> None:
    await breakage.run_unguarded(scene.database, breakage.orphan(scene.wallet, 50, after=after))
    assert await scene.broken() >= {"wallet_balance", "wallet_version", "zero_sum", "ledger_total"}
    ((version, findings),) = await scene.found()
    assert version == 4
    assert set(findings) - {"wrong_running_balance"} == {"orphan_entry"}
    entry = await scene.one("SELECT id FROM ledger_entries WHERE version = 4 AND wallet_id=:wallet")
    signed = await scene.sign("orphan", entry)
    assert await scene.found() == [(version, findings)]  # until the correction is done
    assert ("running_balance" in await scene.broken()) == (after != "balance + 50")
    repaired = await breakage.execute_correction(scene.database, signed)
    assert (repaired.entry_id, repaired.amount, repaired.status) == (entry, 50, "done")
    assert await scene.found() == [(4, ["corrected_orphan"])]
    seen = await scene.explained()
    assert (seen.sound, seen.balance, seen.version, seen.ledger_sum) == (True, 123, 5, 123)
    assert await scene.broken() == set()
    # The wallet works as before.
    async with scene.database.sessions.begin() as session:
        await payments.deposit(
            session, user_id=scene.person.user_id or 0, amount=7, key="on", source="telegram"
        )
    assert (await scene.explained()).sound
    assert await rows_of_losses(scene) == [(0, 2)]


async def rows_of_losses(scene: Scene) -> list[tuple[Any, ...]]:
    async with scene.database.sessions.begin() as session:
        return await rows.table(session, "SELECT balance, version FROM wallets WHERE kind = 'loss'")


@pytest.mark.parametrize("order", [1, -1])
async def test_several_orphans_are_balanced_in_any_order(scene: Scene, order: int) -> None:
    for n, amount in enumerate((50, -200)):
        await breakage.run_unguarded(
            scene.database, breakage.orphan(scene.wallet, amount, key=f"hand-{n}")
        )
    await breakage.run_unguarded(
        scene.database, f"UPDATE wallets SET balance = 1 WHERE id = {scene.wallet}"
    )
    async with scene.database.sessions.begin() as session:
        ids = await rows.table(
            session,
            "SELECT id FROM ledger_entries WHERE wallet_id = :wallet AND version > 3"
            " ORDER BY version",
            wallet=scene.wallet,
        )
    reset = await scene.sign("reset", scene.wallet)
    await breakage.execute_correction(scene.database, reset)
    for (entry,) in ids[::order]:
        assert await scene.broken()
        await breakage.execute_correction(scene.database, await scene.sign("orphan", entry))
    assert await scene.broken() == set()
    seen = await scene.explained()
    assert (seen.sound, seen.balance, seen.version) == (True, 123, 7)


async def test_an_orphan_in_a_hold_does_not_block_its_release(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        stranger = await people.person(session, balance=10)
        wallet = (await wallets.of_user(session, stranger.user_id or 0)).id
        proposer, confirmer = await people.staff(session), await people.staff(session)
    await breakage.run_unguarded(
        database,
        "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
        " reason, reference_id) SELECT id, "
        f"{wallet}, 5, 15, 2, 'escrow_hold', reference_id FROM ledger_transfers"
        " WHERE reason = 'escrow_hold'",
    )
    async with database.sessions.begin() as session:
        entry = await rows.one(session, "SELECT max(id) FROM ledger_entries")
        seen = await reconciliation.explain(session, wallet)
    assert seen.lines[-1].findings == (Finding.ORPHAN_ENTRY,)
    signed = await breakage.confirmed_correction(database, proposer, confirmer, "orphan", entry)
    await breakage.execute_correction(database, signed)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=deal.target.id)


async def test_lost_and_changed_entries_are_named_and_not_repaired(scene: Scene) -> None:
    find = f"wallet_id = {scene.wallet} AND version = 2"
    await breakage.run_unguarded(
        scene.database, f"UPDATE ledger_entries SET amount = 21 WHERE {find}"
    )
    assert await scene.found() == [
        (2, ["wrong_running_balance", "unbalanced_transfer"]),
    ]
    await breakage.run_unguarded(scene.database, f"DELETE FROM ledger_entries WHERE {find}")
    assert await scene.found() == [(3, ["missing_version", "wrong_running_balance"])]
    signed = await scene.sign("reset", scene.wallet)
    with pytest.raises(errors.NotCorrectable):
        await breakage.execute_correction(scene.database, signed)
    # Restore the lost entry, so that the invariants hold at the end of the test.
    await breakage.run_unguarded(
        scene.database,
        "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
        f" reason, reference_id) SELECT transfer_id, {scene.wallet}, 20, 120, 2, reason,"
        " reference_id FROM ledger_entries e WHERE amount = -20",
    )


@pytest.mark.parametrize(
    ("change", "undone"),
    [
        # An entry is lost, and the later balances are changed to match.
        (
            [
                "DELETE FROM ledger_entries WHERE wallet_id = {wallet} AND version = 2",
                (
                    "UPDATE ledger_entries SET balance_after = 103"
                    " WHERE wallet_id = {wallet} AND version = 3"
                ),
            ],
            [
                (
                    "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after,"
                    " version, reason, reference_id) SELECT transfer_id, {wallet}, 20, 120, 2,"
                    " reason, reference_id FROM ledger_entries e WHERE amount = -20"
                ),
                (
                    "UPDATE ledger_entries SET balance_after = 123"
                    " WHERE wallet_id = {wallet} AND version = 3"
                ),
            ],
        ),
        # No entry is lost, but one is changed.
        (
            ["UPDATE ledger_entries SET amount = 25 WHERE wallet_id = {wallet} AND version = 2"],
            ["UPDATE ledger_entries SET amount = 20 WHERE wallet_id = {wallet} AND version = 2"],
        ),
    ],
    ids=["lost", "changed"],
)
async def test_a_balance_is_reset_only_to_what_its_entries_explain(
    scene: Scene, change: list[str], undone: list[str]
) -> None:
    await breakage.run_unguarded(
        scene.database, *(sql.format(wallet=scene.wallet) for sql in change)
    )
    signed = await scene.sign("reset", scene.wallet)
    with pytest.raises(errors.NotCorrectable) as refusal:
        await breakage.execute_correction(scene.database, signed)
    assert isinstance(refusal.value.__cause__, DBAPIError)
    assert getattr(refusal.value.__cause__.orig, "sqlstate", None) == "AD014"
    await breakage.run_unguarded(
        scene.database, *(sql.format(wallet=scene.wallet) for sql in undone)
    )


async def test_only_the_owner_role_repairs_and_only_confirmed_corrections(scene: Scene) -> None:
    change = f"UPDATE wallets SET balance = balance + 7 WHERE id = {scene.wallet}"
    await breakage.run_unguarded(scene.database, change)
    async with scene.database.sessions.begin() as session:
        proposed = await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=scene.proposer,
            wallet_id=scene.wallet,
            reason="drift",
        )
    with pytest.raises(errors.InvalidMove):
        await breakage.execute_correction(scene.database, proposed)
    with pytest.raises(DBAPIError, match="not confirmed"):
        async with breakage.as_owner(scene.database) as session:
            await rows.table(session, f"SELECT repair({proposed.id})")
    async with scene.database.sessions.begin() as session:
        await corrections.confirm(
            session,
            actor=await presses.confirm_correction(session, scene.confirmer, proposed.id),
            correction_id=proposed.id,
            reason="seen",
        )
    with pytest.raises(DBAPIError, match="permission denied"):
        async with scene.database.sessions.begin() as session:
            await reconciliation.repair(session, correction_id=proposed.id)
    assert "wallet_balance" in await scene.broken()
    with pytest.raises(errors.NotAcknowledged):
        await breakage.execute_correction(scene.database, proposed)
    async with scene.database.sessions.begin() as session:
        await presses.apply_correction(session, scene.proposer, proposed.id)
    done = await breakage.execute_correction(scene.database, proposed)
    assert done.applied_by == scene.proposer.user_id
    # The trigger is enabled again.
    with pytest.raises(DBAPIError, match="not moved by an entry"):
        async with breakage.as_owner(scene.database) as session:
            await rows.table(session, f"{change} RETURNING id")


async def test_the_owner_role_cannot_do_an_adjustment(scene: Scene) -> None:
    async with scene.database.sessions.begin() as session:
        other = await people.person(session)
        wallet = (await wallets.of_user(session, other.user_id or 0)).id
        proposed = await presses.propose(
            corrections.propose_adjustment,
            session,
            actor=scene.proposer,
            from_wallet=scene.wallet,
            to_wallet=wallet,
            amount=5,
            reason="x",
        )
    with pytest.raises(errors.NotCorrectable):
        await breakage.execute_correction(scene.database, proposed)


async def test_only_an_orphan_can_be_balanced(scene: Scene) -> None:
    entry = await scene.one("SELECT id FROM ledger_entries WHERE version = 2 AND wallet_id=:wallet")
    for wrong, expected in ((entry, errors.NotCorrectable), (999_999, errors.NotFound)):
        with pytest.raises(expected):
            await scene.sign("orphan", wrong)


async def test_a_settled_escrow_cannot_be_reopened(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        held = await people.approved(session)
        await escrow.release(session, target_id=deal.target.id)
        proposer, confirmer = await people.staff(session), await people.staff(session)
    for target, propose in (
        (deal.target.id, "reversal"),
        (deal.target.id, "payout"),
        (held.target.id, "reversal"),
        (held.target.id, "payout"),
    ):
        with pytest.raises(errors.NotCorrectable):
            await breakage.confirmed_correction(database, proposer, confirmer, propose, target)
