"""Find the text that a database function had at a given revision of the schema.

The file `db/functions/NAME.sql` contains the present text of one function: a
`CREATE OR REPLACE FUNCTION` statement. Each text is in exactly one file. The meaning of a released
migration never changes:

1. If a migration changes a function, it moves the old file to
   `migrations/replaced/<new revision>/NAME.sql`. The whole new text is in `db/functions/NAME.sql`.
   If it drops a function, it only moves the file.
2. The migration's `upgrade` runs `create(name, revision)`, and its `downgrade` runs
   `create(name, down_revision)`. If the signature of the function changes, a `DROP FUNCTION` must
   come first.
3. `text(name, revision)` returns the text for a revision. It reads the file in
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
    """Create or replace a function in the database, with the text that it has at a revision."""
    op.get_bind().exec_driver_sql(text(name, revision))
