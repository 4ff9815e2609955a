"""Migrate the database: `python -m sandbox.prepare [--ours]`.

The option `--ours` is for a database that belongs to the sandbox. Then the program also sets every
kill switch that nobody has touched to "running", and allows moves of the clock. The program is a
process of its own, so that alembic and the services are loaded only when there is something to do.
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

_REASON = "sandbox first start"


async def _start_untouched_switches() -> None:
    """Set every kill switch that nobody has touched to "running", all in one transaction."""
    engine = database.create_engine(os.environ["DATABASE_URL"])
    async with database.create_sessions(engine).begin() as session:
        for row in await killswitches.overview(session):
            if row.reason == "created stopped":
                await killswitches.set(
                    session, actor=actors.SYSTEM, key=row.key, enabled=True, reason=_REASON
                )
    await engine.dispose()


async def _allow_clock_moves() -> None:
    """Allow moves of `clock()`. The database must belong to the sandbox."""
    engine = database.create_engine(os.environ["MIGRATION_DATABASE_URL"])
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE clock_shift SET allowed = true"))
    await engine.dispose()


def main() -> None:
    """Migrate the database whose addresses are in the environment."""
    config = Config()
    folder = str(Path(__file__).parents[1] / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    command.upgrade(config, "head")
    if "--ours" in sys.argv[1:]:
        asyncio.run(_allow_clock_moves())
        asyncio.run(_start_untouched_switches())


if __name__ == "__main__":
    main()
