"""Find the text that a database function had at a given revision of the schema.

The file `db/functions/NAME.sql` contains the whole current text of one function, as a `CREATE OR
REPLACE FUNCTION` statement. Each text is in exactly one file. The meaning of a released migration
never changes:

1. A migration that changes a function moves the old file to
   `migrations/replaced/<new revision>/NAME.sql`. It writes the whole new text into
   `db/functions/NAME.sql`. A migration that drops a function only moves the file.
2. The migration's `upgrade` runs `create(name, revision)`, and its `downgrade` runs
   `create(name, down_revision)`. If the signature changes, a `DROP FUNCTION` must come first.
3. `text(name, revision)` returns the text for a revision. It reads the file below
   `migrations/replaced` with the smallest revision above the given revision. If there is no such
   file, it reads the file in `db/functions`.
"""

from pathlib import Path

from alembic import op

ROOT = Path(__file__).parents[1]


def text(name: str, revision: str, *, root: Path = ROOT) -> str:
    """Return the `CREATE OR REPLACE FUNCTION` statement of a function at a revision.

    `root` is the folder of the product. Raises FileNotFoundError if the function does not exist at
    that revision.
    """
    replaced = sorted(
        path
        for path in root.glob(f"migrations/replaced/*/{name}.sql")
        if path.parent.name > revision
    )
    return (replaced[0] if replaced else root / "db" / "functions" / f"{name}.sql").read_text()


def create(name: str, revision: str) -> None:
    """Create a function in the database, or replace it, with the text that it has at a revision."""
    op.get_bind().exec_driver_sql(text(name, revision))
