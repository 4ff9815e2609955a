"""`adtech` about money: a wallet explained, repairs proposed, and done by the owner's role."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from db.models.users import Role
from services import corrections, users, withdrawals
from tests.conftest import Database
from tests.factories import breakage, people, rows

pytestmark = pytest.mark.storm

ROOT = Path(__file__).parents[2]


class Shell:
    """A shell with the product's settings."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "BOT_TOKEN": "1:secret",
            "ADMIN_CHAT_ID": "-1001",
            "DATABASE_URL": database.url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ENVIRONMENT": "development",
        }

    async def adtech(self, *arguments: object) -> tuple[int, str]:
        """Run one command; return its exit status and all that it said."""
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.cli", *map(str, arguments)),
            cwd=self.folder,
            env=self.environment,
            stdout=PIPE,
            stderr=PIPE,
        )
        said, complained = await started.communicate()
        return started.returncode or 0, (said + complained).decode()


@pytest.fixture
def shell(database: Database, tmp_path: Path) -> Shell:
    return Shell(database, tmp_path)


async def _telegram_id(database: Database, user_id: int | None) -> int:
    async with database.sessions.begin() as session:
        return (await users.get(session, user_id or 0)).telegram_id


async def test_a_drifted_wallet_from_the_finding_to_the_repair(
    database: Database, shell: Shell
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        proposer, confirmer = await people.staff(session), await people.staff(session)
        operator = await people.staff(session, Role.OPERATOR)
        wallet = (await users.wallet_of(session, person.user_id or 0)).id
    status, said = await shell.adtech("reconcile", wallet)
    assert status == 0
    assert "Everything agrees" in said
    await breakage.by_hand(
        database,
        f"UPDATE wallets SET balance = balance + 7 WHERE id = {wallet}",  # noqa: S608
    )
    status, said = await shell.adtech("reconcile", wallet)
    assert status == 1
    assert "drifted_balance" in said
    assert "107" in said

    asked = ("propose", "reset", wallet, "the [bold]balance[/bold] drifted", "--as")
    status, said = await shell.adtech(*asked, await _telegram_id(database, operator.user_id))
    assert status == 1
    assert "staff role" in said
    status, said = await shell.adtech(*asked, await _telegram_id(database, proposer.user_id))
    assert status == 0, said
    async with database.sessions.begin() as session:
        (waiting,) = await corrections.queue(session, limit=5, offset=0)
        assert (waiting.status, waiting.proposed_by) == ("proposed", proposer.user_id)
    status, said = await shell.adtech("corrections")
    assert status == 0
    assert "the [bold]balance[/bold] drifted" in said

    status, said = await shell.adtech("repair", waiting.id)
    assert (status, "MIGRATION_DATABASE_URL" in said) == (2, True)
    shell.environment["MIGRATION_DATABASE_URL"] = database.owner_url
    status, said = await shell.adtech("repair", waiting.id)
    assert status == 1  # one signature is none
    assert "can't be done now" in said
    async with database.sessions.begin() as session:
        await corrections.confirm(session, actor=confirmer, correction_id=waiting.id, reason="seen")
    status, said = await shell.adtech("repair", waiting.id)
    assert status == 0, said
    assert (await shell.adtech("reconcile", wallet))[0] == 0
    assert (await shell.adtech("check"))[0] == 0


async def test_other_proposals_and_what_waits(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        rich = await people.person(session, balance=500)
        other = await people.person(session)
        proposer = await people.staff(session)
        await withdrawals.request(session, actor=rich, amount=120, key="k")
        one, two = [(await users.wallet_of(session, who.user_id or 0)).id for who in (rich, other)]
        deal = await people.approved(session)
    me = await _telegram_id(database, proposer.user_id)
    status, said = await shell.adtech("withdrawals")
    assert status == 0
    assert "120" in said
    assert "requested" in said
    status, said = await shell.adtech("propose", "adjustment", one, two, 30, "twice", "--as", me)
    assert status == 0, said
    for what in ("payout", "reversal"):
        status, said = await shell.adtech("propose", what, deal.target.id, "why", "--as", me)
        assert status == 1
        assert "Nothing was changed" in said
    status, said = await shell.adtech("propose", "orphan", 999_999, "why", "--as", me)
    assert status == 1
    status, said = await shell.adtech("reconcile", 999_999)
    assert status == 1
    async with database.sessions.begin() as session:
        assert await rows.table(session, "SELECT kind, amount, status FROM corrections") == [
            ("adjustment", 30, "proposed")
        ]
        assert await rows.available(session, other) == 0


async def test_dead_letters_with_their_errors(database: Database, shell: Shell) -> None:
    status, said = await shell.adtech("dlq")
    assert (status, "No rows" in said) == (0, True)
    async with database.sessions.begin() as session:
        made = await people.failed(session)
    status, said = await shell.adtech("dlq")
    assert status == 0
    assert "Bad Request: chat not found" in said
    assert str(made.target.id) in said
    assert "held" in said
