"""Keep a database between tests, so that most tests need no new copy of a template.

A test commits to a database. At the end, the rows of all tables and the values of all sequences
are set back to those of the template. Connections stay open, so that they keep their query plans
and what they know of the catalogues. A test of a handler costs the server half as much CPU time.

A database whose tables, functions, rights or statistics a test has changed is deleted. So is a
database in which a test has left a transaction, a lock or a connection, or many rows.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import create_engine
from sandbox import embedded
from tests.embedded_fixture import clone_database, drop_database

PREPARED = 2_000
"""The number of prepared statements that a connection of the tests keeps.

The usual 100 statements are too few: a third of all calls would prepare a statement again.
"""
_LARGEST_GROWTH = 16 * 1024 * 1024
"""The number of bytes by which a database may grow before it is deleted."""
_TABLES = """
    SELECT format('%I.%I', nspname, relname) AS name,
        (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
                AND attgenerated = '') AS columns
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT LIKE 'pg\\_%'
        AND nspname <> 'information_schema'
"""
_SEQUENCES = """
    SELECT format('setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
        coalesce(last_value, start_value), last_value IS NOT NULL) AS call
    FROM pg_sequences
"""
# A changed row of a catalogue has another xmin.
_CATALOGUES = (
    "pg_class pg_attribute pg_proc pg_trigger pg_constraint pg_index pg_namespace pg_statistic"
    " pg_db_role_setting"
)
_DEFINITIONS = " + ".join(
    f"(SELECT count(*) + coalesce(sum(xmin::text::bigint), 0) FROM {name})"
    for name in _CATALOGUES.split()
)
_STATE = f"""
    SELECT {_DEFINITIONS} + own.xmin::text::bigint AS definitions,
        (SELECT count(*) FROM pg_stat_activity WHERE datid = own.oid) AS connections,
        (SELECT count(*) FROM pg_locks WHERE database = own.oid AND pid <> pg_backend_pid())
            AS locks,
        pg_database_size(own.oid) AS size
    FROM pg_database AS own WHERE datname = current_database()
"""


@dataclass
class KeptDatabase:
    """A copy of a template that tests use one after the other."""

    name: str
    maintenance: asyncpg.Connection
    """A superuser's connection to the database."""
    definitions: int
    """A sum over the catalogues, which each change of a definition changes."""
    size: int
    restoration: str
    """The statements that set all rows and sequences back."""


@dataclass
class KeptDatabases:
    """The databases that are kept, at most one for each template, with one engine for each."""

    server: embedded.Postgres
    engines: dict[str, AsyncEngine] = field(default_factory=dict)
    """The engine of each template. It keeps compiled statements when its database is replaced."""
    _kept: dict[str, KeptDatabase] = field(default_factory=dict)

    async def take(self, template: str) -> tuple[str, AsyncEngine]:
        """Return the name of a database that equals a template, and an engine for it.

        Only one test at a time may use the database. The caller must call `give_back`.
        """
        if template not in self._kept:
            self._kept[template] = await _create(self.server, template)
        if template not in self.engines:
            self.engines[template] = self._create_engine(template)
        return self._kept[template].name, self.engines[template]

    async def give_back(self, template: str) -> None:
        """Set a database back after a test, or delete it if that is not possible."""
        kept = self._kept[template]
        if not await self._restore(kept, self.engines[template]):
            await self._delete(template)

    async def close(self) -> None:
        """Delete all databases."""
        for template in list(self._kept):
            await self._delete(template)

    def _create_engine(self, template: str) -> AsyncEngine:
        engine = create_engine(self.server.dsn(embedded.APP))

        def choose(
            _dialect: object, _record: object, _given: object, named: dict[str, Any]
        ) -> None:
            named["database"] = self._kept[template].name
            named["prepared_statement_cache_size"] = named["statement_cache_size"] = PREPARED

        event.listen(engine.sync_engine, "do_connect", choose)
        return engine

    async def _restore(self, kept: KeptDatabase, engine: AsyncEngine) -> bool:
        pool: Any = engine.pool
        try:
            state = await kept.maintenance.fetchrow(_STATE)
            if (
                state["definitions"] != kept.definitions
                or state["connections"] > pool.checkedin() + 1
                or pool.checkedout()
                or state["locks"]
                or state["size"] > kept.size + _LARGEST_GROWTH
            ):
                return False
            await kept.maintenance.execute(kept.restoration)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False  # The test has stopped or replaced the server, or ended the connection.
        return True

    async def _delete(self, template: str) -> None:
        kept = self._kept.pop(template)
        await self.engines[template].dispose()
        await kept.maintenance.close()
        await drop_database(self.server, kept.name)


async def _create(server: embedded.Postgres, template: str) -> KeptDatabase:
    name = f"test_{uuid4().hex}"
    await clone_database(server, template, name)
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    restoration = await _restoration(connection)
    state = await connection.fetchrow(_STATE)
    return KeptDatabase(name, connection, state["definitions"], state["size"], restoration)


async def _restoration(connection: asyncpg.Connection) -> str:
    """Return the statements that set all rows and sequences back to what they are now."""
    # As a replica, the connection needs no order of the tables, and runs no trigger.
    deletions, insertions = ["SET session_replication_role = replica"], []
    for table in await connection.fetch(_TABLES):
        name, columns = table["name"], table["columns"]
        deletions.append(f"DELETE FROM {name}")
        rows = await connection.fetchval(f"SELECT quote_literal(jsonb_agg(t)) FROM {name} t")
        if rows is not None:
            insertions.append(
                f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"
                f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{name}, {rows})"
            )
    calls = [row["call"] for row in await connection.fetch(_SEQUENCES)]
    return ";\n".join([*deletions, *insertions, f"SELECT {', '.join(calls)}"])
