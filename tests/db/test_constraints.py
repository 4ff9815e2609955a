"""Test that each constraint of the models refuses wrong rows."""

import random
import re
from collections.abc import AsyncIterator, Iterator
from itertools import islice, product

import asyncpg
import pytest
from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Table,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from db.models import (
    audience,
    calendars,
    campaigns,
    connections,
    destinations,
    losses,
    managers,
    money,
    operations,
    payout_waits,
    posting,
    users,
)
from db.models.base import Base
from sandbox import embedded
from tests.conftest import ROLLED_BACK

MODULES = (
    audience,
    calendars,
    campaigns,
    connections,
    destinations,
    losses,
    managers,
    money,
    operations,
    payout_waits,
    posting,
    users,
)
"""The modules that define tables."""
NOT_NULL, FOREIGN_KEY, UNIQUE, CHECK = "23502", "23503", "23505", "23514"
EXCLUSION = "23P01"
TABLES = sorted(Base.metadata.tables)
TRIES = 2_000
NOBODY = "999999999"
NEW = "'888888888'"
UNGUARDED = "ALTER TABLE {} DISABLE TRIGGER USER"
OTHERS = """
    SELECT format(
        'ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname)
    FROM pg_constraint
    WHERE conrelid = to_regclass($1) AND contype::text = ANY ($3) AND conname <> $2
    UNION ALL
    SELECT format('DROP INDEX IF EXISTS %I', c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = to_regclass($1) AND i.indisunique AND c.relname <> $2
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
"""
ALL_KINDS, NO_KEYS = ["c", "f", "p", "u", "x"], ["c", "f"]
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
DEFINITION = """
    SELECT coalesce(
        (SELECT pg_get_constraintdef(oid) FROM pg_constraint
         WHERE conrelid = to_regclass($1) AND conname = $2),
        (SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
         JOIN pg_class c ON c.oid = i.indexrelid
         WHERE i.indrelid = to_regclass($1) AND c.relname = $2))
"""


@pytest.fixture
async def owner(
    server: embedded.Postgres, rolled_back_url: str
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in the role of the tables' owner."""
    assert ROLLED_BACK in rolled_back_url
    connection = await asyncpg.connect(server.dsn(embedded.OWNER, ROLLED_BACK))
    yield connection
    await connection.close()


def _name(constraint: Constraint | Index) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # published without types
    return str(dialect.identifier_preparer.format_constraint(constraint)).strip('"')


def _unique(table: Table) -> dict[str, str]:
    """Return the constraints that refuse a row which was inserted before, with their SQLSTATEs."""
    names = {
        _name(constraint): EXCLUSION if isinstance(constraint, ExcludeConstraint) else UNIQUE
        for constraint in table.constraints
        if not isinstance(constraint, CheckConstraint | ForeignKeyConstraint)
    }
    return names | {_name(index): UNIQUE for index in table.indexes if index.unique}


@pytest.mark.parametrize("name", TABLES)
async def test_every_constraint_refuses(owner: asyncpg.Connection, name: str) -> None:
    table = Base.metadata.tables[name]
    unbroken = [
        column.name
        for column in table.columns
        if not column.nullable
        and column.computed is None
        and not await _refuses_null(owner, name, column.name)
    ]
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            broken = await _breaks(owner, name, _name(constraint), CHECK)
        elif isinstance(constraint, ForeignKeyConstraint):
            (column,) = constraint.columns
            broken = await _refuses_stranger(owner, name, _name(constraint), column.name)
        else:
            continue
        if not broken:
            unbroken.append(_name(constraint))
    unbroken += [
        one
        for one, state in _unique(table).items()
        if not await _breaks(owner, name, one, state, twice=True)
    ]
    assert unbroken == []


async def test_the_models_define_every_constraint(owner: asyncpg.Connection) -> None:
    known = {
        (table.name, name)
        for table in Base.metadata.tables.values()
        for name in [*map(_name, table.constraints), *_unique(table)]
    }
    found = {
        tuple(row)
        for row in await owner.fetch(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
            " AND contype IN ('c', 'f', 'p', 'u', 'x') AND conrelid <> 'alembic_version'::regclass"
            " UNION SELECT i.indrelid::regclass::text, c.relname FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique"
            " AND c.relnamespace = 'public'::regnamespace"
            " AND i.indrelid <> 'alembic_version'::regclass"
        )
    }
    assert known == found


async def _refuses_null(owner: asyncpg.Connection, table: str, column: str) -> bool:
    row = await _row(owner, table) | {column: "NULL"}
    return await _refusal(owner, table, [UNGUARDED.format(table)], [row]) == (NOT_NULL, column)


async def _refuses_stranger(
    owner: asyncpg.Connection, table: str, constraint: str, column: str
) -> bool:
    row = await _row(owner, table)
    row |= {key: NEW for key in ("id", "key") if key in row} | {column: f"'{NOBODY}'"}
    # The key of the table itself stays: a row may reference another row of the same table.
    alone = await _others(owner, table, constraint, NO_KEYS)
    return await _refusal(owner, table, alone, [row]) == (FOREIGN_KEY, constraint)


async def _breaks(
    owner: asyncpg.Connection, table: str, constraint: str, state: str, *, twice: bool = False
) -> bool:
    """Return whether the constraint refuses a row with the SQLSTATE `state`.

    With `twice`, each row is inserted two times.
    """
    definition = await owner.fetchval(DEFINITION, table, constraint)
    if definition is None:
        return False
    row = await _row(owner, table)
    alone = await _others(owner, table, constraint)
    types = dict(await owner.fetch(COLUMNS, table))
    checks = await owner.fetch(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1)",
        table,
    )
    words = {
        word for text in (definition, *(check[0] for check in checks)) for word in _words(text)
    }
    mentioned = [column for column in row if re.search(rf"\b{column}\b", definition)]
    for values in _guesses([_values(types[column], words) for column in mentioned]):
        guess = row | dict(zip(mentioned, values, strict=True))
        if await _refusal(owner, table, alone, [guess] * (1 + twice)) == (state, constraint):
            return True
    return False


def _words(text: str) -> list[str]:
    return re.findall(r"'(\w+)'", text)


def _guesses(values: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield at most TRIES random combinations, the same ones in each run."""
    # In the order of `itertools.product`, the first column would keep its value for too long.
    combinations = list(product(*values))
    random.Random(len(combinations)).shuffle(combinations)
    return islice(combinations, TRIES)


_VALUES = {
    "boolean": ["true", "false"],
    "interval": ["'0'", "'1 day'", "'-1 day'"],
    "bigint[]": ["'{}'", "'{1}'", "NULL"],
    "jsonb": ["'1'", "NULL", """'{"kind": "album", "items": []}'"""],
}


def _values(kind: str, words: set[str]) -> list[str]:
    """Return SQL values of the type `kind` that a constraint may accept or refuse."""
    if kind == "bigint":
        return ["'1'", "'0'", "'-1'", "NULL", "'1000000'", "'2'"]
    if kind.startswith(("text", "character")):
        return ["'no such word'", "NULL", "''", *(f"'{word}'" for word in sorted(words))]
    if kind.startswith("timestamp"):
        return [_plain(kind), "NULL", "'infinity'"]
    return _VALUES.get(kind, [_plain(kind), "NULL"])


def _plain(kind: str) -> str:
    if kind.endswith("[]"):
        return "'{}'"
    return "now()" if "time" in kind or kind == "date" else "'1'"


async def _row(owner: asyncpg.Connection, table: str) -> dict[str, str]:
    return {name: _plain(kind) for name, kind in await owner.fetch(COLUMNS, table)}


async def _others(
    owner: asyncpg.Connection, table: str, constraint: str, kinds: list[str] = ALL_KINDS
) -> list[str]:
    found = [row[0] for row in await owner.fetch(OTHERS, table, constraint, kinds)]
    return [*found, UNGUARDED.format(table)]


async def _refusal(
    owner: asyncpg.Connection, table: str, first: list[str], rows: list[dict[str, str]]
) -> tuple[str, str] | None:
    """Insert the rows, and roll back. Return the error's SQLSTATE and its constraint or column."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        for statement in first:
            await owner.execute(statement)
        for row in rows:
            await owner.execute(
                f"INSERT INTO {table} ({', '.join(row)}) OVERRIDING SYSTEM VALUE"
                f" VALUES ({', '.join(row.values())})"
            )
        # A foreign key may be checked at the commit alone.
        await owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except asyncpg.PostgresError as error:
        return error.sqlstate, error.constraint_name or error.column_name or ""
    else:
        return None
    finally:
        await transaction.rollback()
