"""`adtech` as a shell runs it, in this process: starting Python anew takes three seconds a command.

tests/bot/cli/test_app.py starts it as a program once.
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
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that is on the screen."""
        return self.out + self.err


@dataclass(frozen=True)
class Shell:
    """A shell with the product's settings."""

    environment: dict[str, str] = field(repr=False)

    async def adtech(self, *arguments: object) -> Answer:
        """Run one command, in a thread: it has an event loop of its own."""
        before = structlog.get_config()
        runner = CliRunner(env=self.environment)
        for console in (shell.out, shell.err):
            console.width = WIDTH  # they asked this process's terminal when they were made
        try:
            ran = await asyncio.to_thread(runner.invoke, app, [str(each) for each in arguments])
        finally:
            structlog.configure(**before)
        return Answer(ran.exit_code, ran.stdout, ran.stderr)


def shell_of(database: Database) -> Shell:
    """A shell of the application's role, in front of this database."""
    return Shell(
        {
            "BOT_TOKEN": "1:secret",
            "ADMIN_CHAT_ID": "-1001",
            "DATABASE_URL": database.url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ENVIRONMENT": "development",
        }
    )
