"""Find the text of a database function as a revision of the schema needs it.

`db/functions/NAME.sql` holds the text that runs now, whole, as `CREATE OR REPLACE FUNCTION`. Each
text stands in exactly one file, and a migration that was released never changes its meaning:

1. A migration that changes a function moves the file as it was to
   `migrations/replaced/<new revision>/NAME.sql`, and writes the new text, whole, into
   `db/functions/NAME.sql`. For a function that it drops, it moves the file only.
2. Its `upgrade` runs `create(name, revision)`, its `downgrade` runs `create(name, down_revision)`.
   A changed signature needs a `DROP FUNCTION` before.
3. `text(name, revision)` is what a revision needs: the replaced file with the smallest revision
   above it, or else the file in `db/functions`.
"""

from pathlib import Path

from alembic import op

ROOT = Path(__file__).parents[1]


def text(name: str, revision: str, *, root: Path = ROOT) -> str:
    """Return the statement that creates a function as it is at a revision.

    Raises FileNotFoundError for a function that does not exist at that revision.
    """
    replaced = sorted(
        path
        for path in root.glob(f"migrations/replaced/*/{name}.sql")
        if path.parent.name > revision
    )
    return (replaced[0] if replaced else root / "db" / "functions" / f"{name}.sql").read_text()


def create(name: str, revision: str) -> None:
    """Create a function, or replace it by its text at a revision."""
    op.get_bind().exec_driver_sql(text(name, revision))
