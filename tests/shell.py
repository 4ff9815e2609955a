"""Run `adtech` commands in the process of the tests. This is faster than a new process.

The file tests/bot/cli/test_app.py tests the program in a new process.
"""

import asyncio
from dataclasses import dataclass, field

from typer.testing import CliRunner

from bot.cli import tables
from bot.cli.app import app
from tests.conftest import Database
from tests.factories import logs

WIDTH = 200


@dataclass(frozen=True)
class Answer:
    """The result of one command: its exit status and its two outputs."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Return everything that the command has printed, first the output and then the errors."""
        return self.out + self.err


@dataclass(frozen=True)
class Shell:
    """A runner of `adtech` commands. `environment` has the commands' environment variables."""

    environment: dict[str, str] = field(repr=False)

    async def adtech(self, *arguments: object) -> Answer:
        """Run one `adtech` command, and return its status and its outputs."""
        runner = CliRunner(env=self.environment)
        for console in (tables.out, tables.err):
            console.width = (
                WIDTH  # a console reads the width of this process's terminal when it is created
            )
        with logs.restored():
            result = await asyncio.to_thread(runner.invoke, app, [str(each) for each in arguments])
        return Answer(result.exit_code, result.stdout, result.stderr)


def shell_of(database: Database) -> Shell:
    """Return a runner of `adtech` commands for this database.

    The commands connect in the application's database role.
    """
    return Shell(
        {
            "BOT_TOKEN": "1:secret",
            "ADMIN_CHAT_ID": "-1001",
            "DATABASE_URL": database.url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ENVIRONMENT": "development",
        }
    )
