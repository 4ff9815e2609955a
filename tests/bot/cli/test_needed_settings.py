"""Test that each command of `adtech` needs only the settings that it uses."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from sqlalchemy import make_url

from bot.cli.app import app
from sandbox import embedded, logins
from tests.conftest import Database
from tests.shell import Shell

BOT, CLOCK = ("DATABASE_URL", logins.BOT), ("CLOCK_DATABASE_URL", logins.CLOCK)
REPORTS = ("REPORTS_DATABASE_URL", logins.REPORTS)
OWNER = ("MIGRATION_DATABASE_URL", embedded.OWNER)
AS = ("--as", "1")
COMMANDS: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "report": (REPORTS, ("ledger",)),
    "health": (BOT, ()),
    "status": (BOT, ()),
    "launch status": (BOT, ()),
    "launch criteria": (BOT, ()),
    "dlq": (BOT, ()),
    "trace": (BOT, ("5f0c1d2e3a4b",)),
    "stop all": (BOT, ("x", *AS)),
    "killswitch list": (BOT, ()),
    "killswitch stop": (BOT, ("payouts", "x", *AS)),
    "killswitch run": (BOT, ("payouts", "x", *AS)),
    "reconcile": (BOT, ("1",)),
    "withdrawals": (BOT, ()),
    "parked-payments": (BOT, ()),
    "parked-updates": (BOT, ()),
    "retry-payment": (BOT, ("1", "--reason", "x", *AS)),
    "clawback": (BOT, ("charge", "x", *AS)),
    "corrections": (BOT, ()),
    "repair": (OWNER, ("1", *AS)),
    "backup": (OWNER, ("/no/such/folder/file",)),
    "restore": (OWNER, ("/no/such/file",)),
    "verify-backup": (BOT, ("/no/such/file", "--scratch", "postgresql://x@127.0.0.1:1/x")),
    "propose adjustment": (BOT, ("1", "2", "3", "x", *AS)),
    "propose reset": (BOT, ("1", "x", *AS)),
    "propose orphan": (BOT, ("1", "x", *AS)),
    "propose payout": (BOT, ("1", "x", *AS)),
    "propose reversal": (BOT, ("1", "x", *AS)),
    "check": (CLOCK, ()),
    "verify-ledger": (BOT, ()),
    "restored": (OWNER, ()),
    "block": (BOT, ("2", "x", *AS)),
    "unblock": (BOT, ("2", "x", *AS)),
    "grant-role": (BOT, ("2", "admin", "x", *AS)),
    "revoke-role": (BOT, ("2", "admin", "x", *AS)),
    "staff": (BOT, ()),
    "testers list": (BOT, ()),
    "testers mark": (BOT, ("2", "x", *AS)),
    "testers unmark": (BOT, ("2", "x", *AS)),
    "testers clean-up": (BOT, ("2", "x", *AS)),
}
"""For each command: the only setting that it needs, the login in it, and its arguments."""
NEED_NO_DATABASE = {"new-key"}
NEED_KEYS = {"rotate-keys"}
"""The commands that need DESTINATION_KEYS too. tests/bot/cli/test_keys.py runs them."""
NEED_ALL = {"launch check", "launch next", "predeploy"}
"""The commands that need all settings, because they ask the bot's health page or check them."""
WRONG = {
    "BOT_TOKEN": "wrong",
    "ADMIN_CHAT_ID": "wrong",
    "REDIS_URL": "wrong",
    "CURRENCY": "wrong",
    "LOG_LEVEL": "wrong",
    "PROBE_GAP": "wrong",
}


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield " ".join(path)
        return
    for name, below in command.commands.items():
        yield from _commands(below, (*path, name))


def test_every_command_has_its_setting_here() -> None:
    assert set(_commands(typer.main.get_command(app))) == {
        *COMMANDS,
        *NEED_ALL,
        *NEED_KEYS,
        *NEED_NO_DATABASE,
    }


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_runs_with_its_only_setting(
    server: embedded.Postgres, database: Database, command: str
) -> None:
    (setting, login), arguments = COMMANDS[command]
    url = server.dsn(login, str(make_url(database.url).database))
    ran = await Shell(WRONG | {setting: url}).adtech(*command.split(), *arguments)
    assert ran.status in {0, 1}, ran.said
    for unwanted in ("settings:", "did not answer", "missing", "permission denied", "Traceback"):
        assert unwanted not in ran.said, ran.said


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_names_its_missing_setting(command: str) -> None:
    (setting, _), arguments = COMMANDS[command]
    general = "DATABASE_URL" if setting != OWNER[0] else setting
    ran = await Shell({}).adtech(*command.split(), *arguments)
    if command != "killswitch run":  # it asks first
        assert (ran.status, ran.err.count("\n")) == (2, 1), ran.said
        told = f"settings: {general} is missing: set {general} in the environment, or in "
        assert told in ran.err
