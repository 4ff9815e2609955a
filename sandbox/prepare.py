"""Migrate the database with `python -m sandbox.prepare [--ours]`.

`--ours` means that the database belongs to the sandbox. The program then allows moves of the clock,
and sets new kill switches to running.
"""

import asyncio
import os
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from db import session as database
from services.platform import actors, killswitches

REASON = "sandbox_first_start"
"""The reason that is stored with the switches. The text `switch-reason` translates it."""


async def _start_untouched_switches() -> None:
    # Only the owner's role lets a switch run in nobody's name.
    engine = database.create_engine(os.environ["MIGRATION_DATABASE_URL"])
    async with database.create_sessions(engine).begin() as session:
        for row in await killswitches.overview(session):
            if row.reason == killswitches.CREATED_STOPPED:
                await killswitches.set(
                    session, actor=actors.SYSTEM, key=row.key, enabled=True, reason=REASON
                )
    await engine.dispose()


async def _allow_clock_moves() -> None:
    engine = database.create_engine(os.environ["MIGRATION_DATABASE_URL"])
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE clock_shift SET allowed = true"))
    await engine.dispose()


def main() -> None:
    """Migrate the database whose address is in the environment."""
    config = Config()
    folder = str(Path(__file__).parents[1] / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    command.upgrade(config, "head")
    if "--ours" in sys.argv[1:]:
        asyncio.run(_allow_clock_moves())
        asyncio.run(_start_untouched_switches())


if __name__ == "__main__":
    main()
