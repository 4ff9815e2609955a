"""Open an incident for each distinct fault, and let the database send the alarm about it.

Until then an open incident hid every other fault of its kind, and a login could open an incident in
silence beforehand. Until the previous version of the code is stopped, its alarms are sent twice.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0019"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the fingerprint of an incident, and replace the function that opens incidents."""
    op.add_column(
        "incidents",
        sa.Column("fingerprint", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    _index("kind", "fingerprint")
    functions.create("open_incident", revision)


def downgrade() -> None:
    """Restore the function, and keep one open incident of each kind."""
    op.execute("ALTER TABLE incidents DISABLE TRIGGER USER")
    op.execute(
        "UPDATE incidents SET closed_at = clock() WHERE closed_at IS NULL AND EXISTS ("
        "SELECT FROM incidents older WHERE older.kind = incidents.kind"
        " AND older.closed_at IS NULL AND older.id < incidents.id)"
    )
    op.execute("ALTER TABLE incidents ENABLE TRIGGER USER")
    _index("kind")
    op.drop_column("incidents", "fingerprint")
    functions.create("open_incident", down_revision)


def _index(*columns: str) -> None:
    op.drop_index("uq_incidents_open", table_name="incidents")
    op.create_index(
        "uq_incidents_open",
        "incidents",
        columns,
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
