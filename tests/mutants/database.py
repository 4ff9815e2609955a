"""Guards of the database, listed from the catalogue of a migrated one."""

import asyncpg

from tests.mutants.mutant import Mutant, cuts_of_sql

CONSTRAINTS = """
    SELECT conrelid::regclass::text AS place, conname AS name, contype::text AS kind
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 't'
        AND conparentid = 0 AND coninhcount = 0
        AND conrelid <> 'alembic_version'::regclass  -- the migration tool's own table
    ORDER BY 1, 2
"""
TRIGGERS = """
    SELECT tgrelid::regclass::text AS place, tgname AS name
    FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace AND tgparentid = 0
    ORDER BY 1, 2
"""
UNIQUE_INDEXES = """
    SELECT i.indrelid::regclass::text AS place, c.relname AS name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    ORDER BY 1, 2
"""
FUNCTIONS = """
    SELECT proname AS place, pg_get_functiondef(oid) AS body FROM pg_proc
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
    """List every constraint, trigger, unique index, and every guard in a function's body."""
    mutants = [
        _drop(
            row["place"],
            row["name"],
            KINDS[row["kind"]],
            f'ALTER TABLE {row["place"]} DROP CONSTRAINT "{row["name"]}" CASCADE',
        )
        for row in await connection.fetch(CONSTRAINTS)
    ]
    mutants += [
        _drop(
            row["place"],
            row["name"],
            "trigger",
            f'DROP TRIGGER "{row["name"]}" ON {row["place"]}',
        )
        for row in await connection.fetch(TRIGGERS)
    ]
    mutants += [
        _drop(row["place"], row["name"], "unique index", f'DROP INDEX "{row["name"]}"')
        for row in await connection.fetch(UNIQUE_INDEXES)
    ]
    for row in await connection.fetch(FUNCTIONS):
        mutants += _in_body(row["place"], row["body"])
    return mutants


async def droppable(connection: asyncpg.Connection, mutant: Mutant) -> bool:
    """Tell whether PostgreSQL lets go of it: what a primary key or an identity is made of stays."""
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


def _drop(place: str, name: str, kind: str, statement: str) -> Mutant:
    return Mutant(f"{kind}: {place}.{name}", kind, "database", place, place, statement)


def _in_body(function: str, body: str) -> list[Mutant]:
    mutants: list[Mutant] = []
    names: dict[str, int] = {}
    for cut in cuts_of_sql(body):
        gone = " ".join(body[cut.start : cut.end].split())
        name = f"{cut.kind}: {function}(): {gone}"
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        change = body[: cut.start] + cut.instead + body[cut.end :]
        mutants.append(Mutant(name, cut.kind, "database", function, function, change))
    return mutants
