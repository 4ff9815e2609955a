"""Test the command `adtech report`."""

import csv
import io

from services.platform import reports
from tests.conftest import Database
from tests.factories import breakage, people
from tests.shell import Shell


async def test_a_report_exits_with_1_if_it_finds_what_must_not_be(
    database: Database, shell: Shell
) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    ran = await shell.adtech("report", "ledger", "--csv")
    assert (ran.status, ran.err) == (0, "")
    assert {row["is_valid"] for row in csv.DictReader(io.StringIO(ran.out))} == {"true"}
    change = "UPDATE wallets SET balance = balance + {} WHERE kind = 'escrow'"
    await breakage.run_unguarded(database, change.format(1))
    for name in ("ledger", "drift"):
        ran = await shell.adtech("report", name, "--csv")
        assert ran.status == 1
        assert ran.err.startswith(f"{name}: 1 of ")
    await breakage.run_unguarded(database, change.format(-1))


async def test_every_report_prints_its_columns(shell: Shell) -> None:
    for name in reports.REPORTS:
        ran = await shell.adtech("report", name, "--csv")
        assert ran.status == 0, ran.said
        assert ran.out.splitlines()[0].replace(",", "").replace("_", "").isalpha(), name


async def test_a_stuck_escrow_is_what_must_not_be(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    assert (await shell.adtech("report", "held")).status == 0
    shell.environment["ESCROW_SLA"] = "0.000001"
    ran = await shell.adtech("report", "held", "--csv")
    assert (ran.status, ",stuck," in ran.out) == (1, True)
