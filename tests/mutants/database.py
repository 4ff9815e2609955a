"""List the mutants of a migrated database."""

import asyncpg

from tests.mutants.mutant import Mutant, edits_of_sql

CONSTRAINTS = """
    SELECT conrelid::regclass::text AS location, conname AS name, contype::text AS kind
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 't'
        AND conparentid = 0 AND coninhcount = 0
        AND conrelid <> 'alembic_version'::regclass  -- the migration tool's own table
    ORDER BY 1, 2
"""
TRIGGERS = """
    SELECT tgrelid::regclass::text AS location, tgname AS name
    FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace AND tgparentid = 0
    ORDER BY 1, 2
"""
UNIQUE_INDEXES = """
    SELECT i.indrelid::regclass::text AS location, c.relname AS name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    ORDER BY 1, 2
"""
FUNCTIONS = """
    SELECT proname AS location, pg_get_functiondef(oid) AS body FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p') ORDER BY 1, oid
"""
KINDS = {
    "c": "check",
    "f": "foreign key",
    "n": "not null",
    "p": "primary key",
    "u": "unique",
    "x": "exclusion",
}


async def find(connection: asyncpg.Connection) -> list[Mutant]:
    """Return a mutant for each constraint, trigger, unique index, and guard in a function."""
    mutants = [
        _drop(
            row["location"],
            row["name"],
            KINDS[row["kind"]],
            f'ALTER TABLE {row["location"]} DROP CONSTRAINT "{row["name"]}" CASCADE',
        )
        for row in await connection.fetch(CONSTRAINTS)
    ]
    mutants += [
        _drop(
            row["location"],
            row["name"],
            "trigger",
            f'DROP TRIGGER "{row["name"]}" ON {row["location"]}',
        )
        for row in await connection.fetch(TRIGGERS)
    ]
    mutants += [
        _drop(row["location"], row["name"], "unique index", f'DROP INDEX "{row["name"]}"')
        for row in await connection.fetch(UNIQUE_INDEXES)
    ]
    for row in await connection.fetch(FUNCTIONS):
        mutants += _in_body(row["location"], row["body"])
    return mutants


async def droppable(connection: asyncpg.Connection, mutant: Mutant) -> bool:
    """Return whether PostgreSQL allows the change of a mutant. The change is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(mutant.change)
    except (asyncpg.InvalidTableDefinitionError, asyncpg.ObjectNotInPrerequisiteStateError):
        return False
    except asyncpg.PostgresSyntaxError as error:
        if "is an identity column" in str(error):
            return False
        raise
    finally:
        await transaction.rollback()
    return True


def _drop(location: str, name: str, kind: str, statement: str) -> Mutant:
    return Mutant(f"{kind}: {location}.{name}", kind, "database", location, location, statement)


def _in_body(function: str, body: str) -> list[Mutant]:
    mutants: list[Mutant] = []
    names: dict[str, int] = {}
    for edit in edits_of_sql(body):
        removed = " ".join(body[edit.start : edit.end].split())
        name = f"{edit.kind}: {function}(): {removed}"
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        change = body[: edit.start] + edit.replacement + body[edit.end :]
        mutants.append(Mutant(name, edit.kind, "database", function, function, change))
    return mutants
