"""Define the drills of incidents in which the books are wrong."""

from sandbox.demo.people import Json
from tests.drills.report import Report
from tests.drills.world import World

MONEY = ("new_escrows", "payouts", "refunds", "withdrawals", "adjustments")
"""The switches that an incident of the ledger stops."""
_ALARM = "The ledger's invariants are broken"


async def ledger_violation(world: World, report: Report) -> None:
    """Change a balance by hand, and repair it."""
    async with report.phase("trigger", "a balance is changed by hand"):
        wallet, since = await _funded_wallet(world)
        await world.damage(f"UPDATE wallets SET balance = balance + 1 WHERE id = {wallet}")
    await _see(world, report, since, wallet=wallet)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
        await world.shell("adtech killswitch stop deposits REASON --as ID", reason="drill")
    async with report.phase("repair", "two admins sign, and the owner's role repairs the balance"):
        correction = await _signed(
            world, "adtech propose reset WALLET REASON --as ID", wallet=wallet
        )
        await _apply(world, correction)
    await _verify(world, report, (*MONEY, "deposits"))


async def wallet_mismatch(world: World, report: Report) -> None:
    """Insert an entry by hand, and balance it."""
    async with report.phase("trigger", "an entry is inserted by hand"):
        wallet, since = await _funded_wallet(world)
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
    await _see(world, report, since, wallet=wallet, drift=False)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
    async with report.phase("repair", "two admins sign, and the owner's role balances the entry"):
        entry = (await world.books.row("SELECT max(id) AS id FROM ledger_entries"))["id"]
        correction = await _signed(world, "adtech propose orphan ENTRY REASON --as ID", entry=entry)
        await _apply(world, correction)
    await _verify(world, report, MONEY)


async def partial_payout(world: World, report: Report) -> None:
    """Mark an escrow as released without a payout, and pay the owner."""
    async with report.phase("trigger", "an escrow is released by hand, without its payout"):
        await world.play("post job succeeded")
        target, since = world.scenario.target_id, await world.group.version()
        await world.damage(
            "UPDATE escrows SET status = 'released', settled_at = now()"
            f" WHERE campaign_target_id = {target}",
            f"UPDATE campaign_targets SET status = 'posted' WHERE id = {target}",
        )
    async with report.phase("see", "alarm in the admin chat, line in the log"):
        await world.group.shows(_ALARM, since=since)
        await world.log_says("Ledger invariant violated")
    async with report.phase("see", "the commands name the placement"):
        await world.shell("adtech check", status=1)
        await world.shell("adtech report unpaid_releases", status=1)
    async with report.phase("stop", "the incident has stopped the switches of money"):
        await _expect_stopped(world)
    async with report.phase("repair", "two admins sign, and the owner is paid"):
        await world.run_switch("adjustments")
        await _signed(world, "adtech propose payout PLACEMENT REASON --as ID", placement=target)
    await _verify(world, report, MONEY[:-1], no_rows="adtech report unpaid_releases")


async def _funded_wallet(world: World) -> tuple[int, int]:
    """Return the id of the advertiser's wallet, and the version of the admin chat."""
    row: Json = await world.books.row(
        "SELECT w.id FROM wallets w JOIN users u ON u.id = w.user_id"
        " WHERE u.telegram_id = $1 AND w.kind = 'user'",
        world.scenario.participants.advertiser.id,
    )
    return row["id"], await world.group.version()


async def _see(
    world: World, report: Report, since: int, *, wallet: int, drift: bool = True
) -> None:
    async with report.phase("see", "alarm in the admin chat, line in the log"):
        await world.group.shows(_ALARM, since=since)
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


async def _verify(
    world: World,
    report: Report,
    stopped: tuple[str, ...],
    no_rows: str = "adtech report drift",
) -> None:
    async with report.phase("verify", "the ledger is clean, the incident is closed, switches run"):
        await world.shell("adtech check --full")
        await world.close_incidents()
        for key in stopped:
            await world.run_switch(key)
        await world.shell(no_rows)
        await world.check_books()
