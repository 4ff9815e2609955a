"""Let the bot's login act for people and admins only with their own press.

Before, the password of the bot's login was enough to empty a wallet in the books: a withdrawal in the name
of its person, approved and recorded as paid in the name of an admin. One admin could do the same in the
chat: mark a person as a tester, clean up after them, and record the withdrawal as paid. A message that a
bot sends for a person's business account is not the person's own words either. And with this password alone,
a published post could be said to have failed, which pays its advertiser back, and an ad that nobody has
approved could be published.
"""

from alembic import op

from migrations import functions

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ADDED = (
    ("is_clean_up_confirmed", "staff_requests"),
    ("stating_admins", "post_jobs, bigint"),
    ("guard_post_decision", ""),
    ("require_approval", ""),
    ("require_withdrawal_decision", ""),
)
REPLACED = ("require_own_act", "delete_tester_drafts", "words_in_update", "guard_statement")
NAME = "ck_staff_requests_two_people"
STAFF_KINDS = ("block_staff", "unblock_staff")
TWO_PEOPLE = ("grant_role", "revoke_role", "record_payment", "clawback", *STAFF_KINDS)


def _check_requests(two_people: tuple[str, ...]) -> None:
    """Replace the constraint. Earlier requests are not checked: one person decided about clean-ups."""
    op.drop_constraint(op.f(NAME), "staff_requests", type_="check")
    op.execute(
        f"ALTER TABLE staff_requests ADD CONSTRAINT {NAME} CHECK"
        f" (status <> 'done' OR acknowledged AND CASE WHEN kind IN {two_people}"
        " THEN decided_by <> requested_by AND decided_by IS DISTINCT FROM subject_id"
        " ELSE decided_by = requested_by END) NOT VALID"
    )


def upgrade() -> None:
    """Replace the functions and the constraint, and guard the requests of withdrawals."""
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)
    _check_requests((*TWO_PEOPLE, "clean_up_tester"))
    op.execute(
        "CREATE TRIGGER wanted_by_person BEFORE INSERT ON withdrawals FOR EACH ROW"
        " EXECUTE FUNCTION require_own_act()"
    )
    op.execute(
        "CREATE TRIGGER wanted_by_admin BEFORE UPDATE OF status ON withdrawals FOR EACH ROW"
        " WHEN (old.status <> new.status AND (old.status = 'approved' OR new.status = 'approved'))"
        " EXECUTE FUNCTION require_withdrawal_decision()"
    )
    op.execute(
        "CREATE TRIGGER decided_by_admin BEFORE UPDATE OF status ON post_jobs FOR EACH ROW"
        " WHEN (old.status IN ('uncertain', 'success') AND old.status <> new.status)"
        " EXECUTE FUNCTION guard_post_decision()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER approved AFTER INSERT ON post_jobs"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_approval()"
    )


def downgrade() -> None:
    """Restore the functions and the constraint, and remove the guard."""
    op.execute("DROP TRIGGER approved ON post_jobs")
    op.execute("DROP TRIGGER decided_by_admin ON post_jobs")
    op.execute("DROP TRIGGER wanted_by_admin ON withdrawals")
    op.execute("DROP TRIGGER wanted_by_person ON withdrawals")
    _check_requests(TWO_PEOPLE)
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
