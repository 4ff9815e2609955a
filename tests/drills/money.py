"""Define the drills of incidents in which the books are wrong."""

from sandbox.demo.people import Json
from tests.drills import checks
from tests.drills.drill import Drill
from tests.drills.report import Report
from tests.drills.world import World

MONEY = ("refunds", "new_escrows", "payouts", "withdrawals", "adjustments")
"""The switches that an incident of the ledger stops, in the order in which they run again."""
_ALARM = "The ledger's invariants are broken"


async def _change_balance(world: World) -> None:
    wallet = await _funded_wallet(world)
    await world.damage(f"UPDATE wallets SET balance = balance + 1 WHERE id = {wallet}")


async def _repair_balance(world: World, report: Report) -> None:
    wallet = await _funded_wallet(world)
    await _see(world, report, wallet=wallet)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
        await world.shell("adtech killswitch stop deposits REASON --as ID", reason="drill")
    async with report.phase("repair", "two admins sign, and the owner's role repairs the balance"):
        correction = await _signed(
            world, "adtech propose reset WALLET REASON --as ID", wallet=wallet
        )
        await _apply(world, correction)
    await _reopen(world, report, ("deposits", *MONEY))


async def _insert_entry(world: World) -> None:
    wallet = await _funded_wallet(world)
    await world.damage(
        f"""
        WITH made AS (INSERT INTO ledger_transfers (key, reason, reference_id)
            VALUES ('by hand', 'deposit', 999) RETURNING id)
        INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,
            reason, reference_id)
        SELECT made.id, wallet.id, 500, wallet.balance, 1 + wallet.version, 'deposit', 999
        FROM made, wallets wallet WHERE wallet.id = {wallet}
        """
    )


async def _repair_entry(world: World, report: Report) -> None:
    await _see(world, report, wallet=await _funded_wallet(world), drift=False)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
    async with report.phase("repair", "two admins sign, and the owner's role balances the entry"):
        entry = (await world.books.row("SELECT max(id) AS id FROM ledger_entries"))["id"]
        correction = await _signed(world, "adtech propose orphan ENTRY REASON --as ID", entry=entry)
        await _apply(world, correction)
    await _reopen(world, report, MONEY)


async def _release_without_payout(world: World) -> None:
    await world.play("post job succeeded")
    target = world.scenario.target_id
    await world.damage(
        "UPDATE escrows SET status = 'released', settled_at = now()"
        f" WHERE campaign_target_id = {target}",
        f"UPDATE campaign_targets SET status = 'posted' WHERE id = {target}",
    )


async def _repair_payout(world: World, report: Report) -> None:
    async with report.phase("see", "alarm in the admin chat, line in the log"):
        await world.group.shows(_ALARM, since=world.since)
        await world.log_says("Ledger invariant violated")
    async with report.phase("see", "the commands name the placement"):
        await world.shell("adtech check", status=1)
        await world.shell("adtech report unpaid_releases", status=1)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
    async with report.phase("repair", "two admins sign, and the owner is paid"):
        await world.run_switch("adjustments")
        await _signed(
            world,
            "adtech propose payout PLACEMENT REASON --as ID",
            placement=world.scenario.target_id,
        )
    await _reopen(world, report, MONEY[:-1])


async def _funded_wallet(world: World) -> int:
    """Return the id of the advertiser's wallet."""
    row: Json = await world.books.row(
        "SELECT w.id FROM wallets w JOIN users u ON u.id = w.user_id"
        " WHERE u.telegram_id = $1 AND w.kind = 'user'",
        world.scenario.participants.advertiser.id,
    )
    wallet: int = row["id"]
    return wallet


async def _see(world: World, report: Report, *, wallet: int, drift: bool = True) -> None:
    async with report.phase("see", "alarm in the admin chat, line in the log"):
        await world.group.shows(_ALARM, since=world.since)
        await world.log_says("Ledger invariant violated")
    async with report.phase("see", "the commands name the wallet"):
        await world.shell("adtech check", status=1)
        if drift:
            await world.shell("adtech report drift", status=1)
        await world.shell("adtech reconcile WALLET", status=1, wallet=wallet)


async def _expect_stopped(world: World) -> None:
    await world.shell("adtech killswitch list")
    for key in MONEY:
        await world.books.until(
            "SELECT count(*) AS n FROM running_switches WHERE key = $1",
            key,
            so=lambda row: not row["n"],
            expected=f"{key} is stopped",
        )


async def _signed(world: World, command: str, **values: int) -> int:
    """Propose and confirm a correction. Return the correction's id."""
    since = await world.group.version()
    named: dict[str, object] = {"reason": "drill", **values}
    await world.shell(command, status=0, **named)
    await world.acknowledge(since)
    row = await world.books.until(
        "SELECT max(id) AS id FROM corrections",
        so=lambda row: row["id"] is not None,
        expected="the correction is proposed",
    )
    correction: int = row["id"]
    await world.chat(
        world.second,
        "/confirm CORRECTION REASON",
        then="Confirmed by",
        correction=correction,
        reason="checked",
    )
    return correction


async def _apply(world: World, correction: int) -> None:
    command = "adtech repair CORRECTION --as ID"
    since = await world.group.version()
    await world.shell(command, correction=correction)
    await world.acknowledge(since)
    await world.books.until(
        "SELECT count(*) AS n FROM staff_requests WHERE kind = 'repair' AND status = 'done'",
        so=lambda row: bool(row["n"]),
        expected="the admin has signed that they apply the correction",
    )
    await world.shell(command, correction=correction)


async def _reopen(world: World, report: Report, stopped: tuple[str, ...]) -> None:
    """Close the incident after a full check, and run the stopped switches."""
    async with report.phase("repair", "a full check passes, the incident is closed, switches run"):
        await world.shell("adtech check --full")
        await world.close_incidents()
        for key in stopped:
            await world.run_switch(key)


_CHECKS = (checks.FULL_CHECK, checks.INCIDENTS, checks.SWITCHES, checks.BOOKS)
_NO_DRIFT = checks.command("adtech report drift", "no wallet differs from its entries")
LEDGER_VIOLATION = Drill(
    "ledger_violation",
    cause="a balance is changed by hand",
    trigger=_change_balance,
    repair=_repair_balance,
    checks=(_NO_DRIFT, *_CHECKS),
)
WALLET_MISMATCH = Drill(
    "wallet_mismatch",
    cause="an entry is inserted by hand",
    trigger=_insert_entry,
    repair=_repair_entry,
    checks=(_NO_DRIFT, *_CHECKS),
)
PARTIAL_PAYOUT = Drill(
    "partial_payout",
    cause="an escrow is released by hand, without its payout",
    trigger=_release_without_payout,
    repair=_repair_payout,
    checks=(
        checks.command("adtech report unpaid_releases", "every released escrow is paid"),
        *_CHECKS,
    ),
)
