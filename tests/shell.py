"""Run `adtech` commands in this process: a new Python process takes three seconds for each command.

tests/bot/cli/test_app.py runs the program in a process once.
"""

import asyncio
from dataclasses import dataclass, field

import structlog
from typer.testing import CliRunner

from bot.cli import shell
from bot.cli.app import app
from tests.conftest import Database

WIDTH = 200


@dataclass(frozen=True)
class Answer:
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that the command printed."""
        return self.out + self.err


@dataclass(frozen=True)
class Shell:
    """A shell with the product's settings."""

    environment: dict[str, str] = field(repr=False)

    async def adtech(self, *arguments: object) -> Answer:
        """Run one command in a thread, because the command has an event loop of its own."""
        before = structlog.get_config()
        runner = CliRunner(env=self.environment)
        for console in (shell.out, shell.err):
            console.width = (
                WIDTH  # a console reads the width of this process's terminal when it is created
            )
        try:
            result = await asyncio.to_thread(runner.invoke, app, [str(each) for each in arguments])
        finally:
            structlog.configure(**before)
        return Answer(result.exit_code, result.stdout, result.stderr)


def shell_of(database: Database) -> Shell:
    """Return a shell in the application's role with this database."""
    return Shell(
        {
            "BOT_TOKEN": "1:secret",
            "ADMIN_CHAT_ID": "-1001",
            "DATABASE_URL": database.url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ENVIRONMENT": "development",
        }
    )
