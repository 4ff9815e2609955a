"""Bind each decision of the staff to exactly what it decides, and write an audit row about each act.

Two admins who decided about one withdrawal could pay for another one, and the press "That was me"
signed any correction. A login of the application could move money, give a channel to another owner,
or block and unblock people, without an audit row.
"""

from collections.abc import Iterator

from alembic import op

from migrations import functions

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

REPLACED = (
    "require_excess_payment_match",
    "require_payment_request",
    "guard_signature",
    "guard_staff_request",
    "is_command_for_request",
    "reconcile_super_admins",
    "write_audit_row",
    "require_received_payment",
)
AUDITED = {
    "withdrawals": ("INSERT", "UPDATE OF status"),
    "campaign_targets": ("UPDATE OF status",),
    "escrows": ("INSERT", "UPDATE OF status"),
    "deposits": ("UPDATE OF status",),
    "clawbacks": ("INSERT",),
    "excess_payments": ("INSERT",),
    "corrections": ("INSERT", "UPDATE OF status"),
    "channels": ("UPDATE OF owner_id",),
    "users": ("UPDATE OF blocked",),
}
"""The changes of which `write_audit_row` keeps an audit row."""
CONDITIONS = {
    "campaign_targets": " AND OLD.status = 'pending' AND NEW.status IN ('approved', 'rejected')",
    "deposits": " AND NEW.status = 'credited'",
    "escrows": " AND OLD.status = 'held'",
}
"""Further conditions of the triggers on updates."""


def _triggers() -> Iterator[tuple[str, str, str]]:
    """Yield the name, the table and the rest of each trigger that writes an audit row."""
    for table, events in AUDITED.items():
        for event in events:
            column = event.partition(" OF ")[2]
            changed = f"OLD.{column} IS DISTINCT FROM NEW.{column}{CONDITIONS.get(table, '')}"
            condition = f" WHEN ({changed})" if column else ""
            rest = (
                f"AFTER {event} ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW{condition}"
                " EXECUTE FUNCTION write_audit_row()"
            )
            yield "audited_move" if column else "audited", table, rest


STAFF_KINDS = ("block_staff", "unblock_staff")
KINDS = (
    "run_switch",
    "block",
    "unblock",
    "retry_payment",
    "correction",
    "grant_role",
    "revoke_role",
    "record_payment",
    "clawback",
)
TWO_PEOPLE = ("grant_role", "revoke_role", "record_payment", "clawback")


def _check_requests(kinds: tuple[str, ...], two_people: tuple[str, ...]) -> None:
    """Replace the constraints of requests by those for these kinds."""
    checks = {
        "requestkind": f"kind IN {kinds}",
        "two_people": "status <> 'done' OR acknowledged AND CASE"
        f" WHEN kind IN {two_people}"
        " THEN decided_by <> requested_by AND decided_by IS DISTINCT FROM subject_id"
        " ELSE decided_by = requested_by END",
    }
    for name, check in checks.items():
        op.drop_constraint(op.f(f"ck_staff_requests_{name}"), "staff_requests", type_="check")
        op.create_check_constraint(op.f(f"ck_staff_requests_{name}"), "staff_requests", check)


def upgrade() -> None:
    """Replace the functions, and add the triggers that write audit rows."""
    op.execute("DROP FUNCTION has_request(text, text, text)")
    for name in ("has_request", *REPLACED):
        functions.create(name, revision)
    functions.create("require_block_request", revision)
    op.execute(
        "CREATE CONSTRAINT TRIGGER requested AFTER UPDATE OF blocked ON users"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.blocked <> NEW.blocked)"
        " EXECUTE FUNCTION require_block_request()"
    )
    _check_requests((*KINDS, *STAFF_KINDS), (*TWO_PEOPLE, *STAFF_KINDS))
    for name, _, rest in _triggers():
        op.execute(f"CREATE CONSTRAINT TRIGGER {name} {rest}")


def downgrade() -> None:
    """Remove the triggers, and restore the functions."""
    for name, table, _ in _triggers():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute("DELETE FROM outbox WHERE kind = 'staff_blocked' AND status = 'queued'")
    op.execute("ALTER TABLE staff_requests DISABLE TRIGGER USER")
    op.execute("DELETE FROM staff_requests WHERE kind IN ('block_staff', 'unblock_staff')")
    op.execute("ALTER TABLE staff_requests ENABLE TRIGGER USER")
    _check_requests(KINDS, TWO_PEOPLE)
    op.execute("DROP TRIGGER requested ON users")
    op.execute("DROP FUNCTION require_block_request()")
    op.execute("DROP FUNCTION has_request(text, text[])")
    for name in ("has_request", *REPLACED):
        functions.create(name, down_revision)
