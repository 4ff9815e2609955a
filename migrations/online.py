"""Change the schema while the product uses it, so that no reader and no writer waits for long.

A migration that needs several transactions passes its steps to `run`. `migrations/env.py` sets a
short limit for the wait for a lock, and begins again at the step that did not get its lock.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

BATCH = 10_000
"""How many ids one statement of `update_by_id` covers."""

_VALID = sa.text("""
    SELECT indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE c.relname = :name AND c.relnamespace = 'public'::regnamespace
""")
_NOTE = "SELECT obj_description('alembic_version'::regclass, 'pg_class')"


def run(revision: str, steps: Sequence[Callable[[], object]]) -> None:
    """Run the steps of a migration, each in a transaction of its own.

    A comment on the table `alembic_version` says which steps are done. So a migration that was
    interrupted continues after its last complete step.
    """
    for number in range(_done(revision), len(steps)):
        steps[number]()
        is_last = number + 1 == len(steps)
        note = "NULL" if is_last else f"'{revision}: {number + 1}'"
        op.execute(f"COMMENT ON TABLE alembic_version IS {note}")
        if not is_last:
            commit()


def _done(revision: str) -> int:
    note: str | None = op.get_bind().execute(sa.text(_NOTE)).scalar()
    of_revision, _, done = (note or "").partition(": ")
    return int(done) if of_revision == revision else 0


def commit() -> None:
    """Commit what the migration has done, and begin its next transaction."""
    with op.get_context().autocommit_block():
        pass


def create_index(
    name: str,
    table: str,
    columns: Sequence[Any],
    *,
    where: str | None = None,
    using: str = "btree",
    unique: bool = False,
) -> None:
    """Create an index without blocking writers. Commits what the migration has done before.

    `using` is the type of the index. A valid index of this name is kept. An invalid one, which an
    interrupted migration has left, is created anew.
    """
    with op.get_context().autocommit_block():
        is_valid = op.get_bind().execute(_VALID, {"name": name}).scalar()
        if is_valid is False:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        if not is_valid:
            op.create_index(
                name,
                table,
                list(columns),
                unique=unique,
                postgresql_where=None if where is None else sa.text(where),
                postgresql_concurrently=True,
                postgresql_using=using,
            )


def replace_index(
    name: str, table: str, columns: Sequence[Any], *, where: str | None = None
) -> None:
    """Replace an index by another one of the same name. Queries have one of them at any time.

    Commits what the migration has done before.
    """
    create_index(f"{name}_new", table, columns, where=where)
    op.execute(f"DROP INDEX IF EXISTS {name}")
    op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")


def validate(table: str, *constraints: str) -> None:
    """Let the database check old rows against constraints that were added as NOT VALID.

    Readers and writers do not wait for this. It needs a step of its own, because the step that
    added the constraint holds a lock that blocks them.
    """
    for constraint in constraints:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def update_by_id(table: str, statement: str) -> None:
    """Run a statement for all rows of a table, in ranges of BATCH ids, and commit each range.

    `statement` must have no effect on a row that it has changed before. Its condition contains
    `id BETWEEN :first AND :last`.
    """
    bounds = op.get_bind().execute(sa.text(f"SELECT min(id), max(id) FROM {table}")).one()  # noqa: S608 - a name of the schema
    commit()
    if bounds[0] is None:
        return
    for first in range(bounds[0], bounds[1] + 1, BATCH):
        op.get_bind().execute(sa.text(statement), {"first": first, "last": first + BATCH - 1})
        commit()
