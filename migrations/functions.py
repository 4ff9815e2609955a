"""Find the text that a database function had at a given revision of the schema.

`db/functions/NAME.sql` contains the present text of a function. A migration that changes or drops a
function moves the old file to `migrations/replaced/<new revision>/NAME.sql`. Then `upgrade` runs
`create(name, revision)`, and `downgrade` runs `create(name, down_revision)`. If the signature
changes, a `DROP FUNCTION` must come first.
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
    """Create or replace a function in the database, with its text at a revision."""
    op.get_bind().exec_driver_sql(text(name, revision))
