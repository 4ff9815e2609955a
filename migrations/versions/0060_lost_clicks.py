"""Let the redirect store how many clicks it has lost, so that the staff are told.

Before, only its log and its metrics said it.
"""

from alembic import op

from migrations import functions, online

revision = "0060"
down_revision = "0057"
branch_labels = None
depends_on = None

TABLE, KINDS = "failure_counts", "ck_failure_counts_failurekind"
FORMER = ("conflict", "deadlock", "approve_timeout")
FUNCTION = "count_lost_clicks"


def upgrade() -> None:
    """Allow the kind, check the rows, and create the function."""
    online.run(revision, (_allow, _validate, _create))


def _allow() -> None:
    _set_kinds(*FORMER, "clicks_lost")


def _set_kinds(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f(KINDS), TABLE)
    op.create_check_constraint(op.f(KINDS), TABLE, f"kind IN ({listed})", postgresql_not_valid=True)


def _validate() -> None:
    online.validate(TABLE, KINDS)


def _create() -> None:
    functions.create(FUNCTION, revision)
    op.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO adtech_redirect")


def downgrade() -> None:
    """Remove the function and the counts, and forbid the kind."""
    op.execute(f"DROP FUNCTION {FUNCTION}(bigint)")
    op.execute("DELETE FROM failure_counts WHERE kind = 'clicks_lost'")
    _set_kinds(*FORMER)
    _validate()
