"""Open an incident for each distinct fault, and allow new files of the audit chain by an operator.

Until then an open incident hid every other fault of its kind, and a login could open an incident in
silence beforehand. The database now sends the alarm. Until the previous version of the code is stopped,
its alarms are sent twice.

A file of the audit chain was known by the name of its machine. In a container, this name changes with
each deployment, and a file that vanished was filled again from the database without a word.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0017"
down_revision = "0016"
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
    op.add_column("audit_chain_files", sa.Column("added_by", sa.BigInteger(), nullable=True))
    functions.create("tell_audit_chain_file", revision)
    op.execute(
        "CREATE TRIGGER told AFTER INSERT ON audit_chain_files FOR EACH ROW"
        " EXECUTE FUNCTION tell_audit_chain_file()"
    )
    functions.create("add_audit_chain_file", revision)
    op.execute("GRANT EXECUTE ON FUNCTION add_audit_chain_file TO adtech_bot, adtech_clock")


def downgrade() -> None:
    """Restore the functions, and keep one open incident of each kind."""
    op.execute("DROP FUNCTION add_audit_chain_file")
    op.execute("DROP TRIGGER told ON audit_chain_files")
    op.execute("DROP FUNCTION tell_audit_chain_file")
    op.drop_column("audit_chain_files", "added_by")
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
