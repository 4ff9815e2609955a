"""`python -m sandbox.prepare [--ours]`: migrates, and sets a new sandbox's switches running.

A process of its own: alembic and the services are not loaded where nothing is to be done.
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


async def _let_run() -> None:
    """Set every switch that was never touched running, all in one transaction."""
    engine = database.create_engine(os.environ["DATABASE_URL"])
    async with database.create_sessions(engine).begin() as session:
        for row in await killswitches.overview(session):
            if row.reason == "created stopped":
                await killswitches.set(
                    session, actor=actors.SYSTEM, key=row.key, enabled=True, reason=_REASON
                )
    await engine.dispose()


async def _allow_shift() -> None:
    """Let `clock()` be moved, which is possible in a database of the sandbox's own alone."""
    engine = database.create_engine(os.environ["MIGRATION_DATABASE_URL"])
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE clock_shift SET allowed = true"))
    await engine.dispose()


def main() -> None:
    """Bring the database of the environment's addresses up to date."""
    command.upgrade(Config(Path(__file__).parents[1] / "alembic.ini"), "head")
    if "--ours" in sys.argv[1:]:
        asyncio.run(_allow_shift())
        asyncio.run(_let_run())


if __name__ == "__main__":
    main()
