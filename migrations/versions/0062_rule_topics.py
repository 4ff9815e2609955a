"""Let acceptance rules exclude topics, and campaigns have a topic."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import functions, online

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None

TOPIC = "topic ~ '^[a-z]{1,32}$'"
CHANGED = ("answer_placement", "set_acceptance_rule")
ADDED = {
    "set_rule_topic": "bigint, bigint, text, boolean, text",
    "set_ad_topic": "bigint, bigint, text, text",
}


def upgrade() -> None:
    """Add the columns, and the functions that write them."""
    online.run(revision, (_add, _validate))


def _add() -> None:
    op.add_column("campaigns", sa.Column("topic", sa.Text()))
    op.create_check_constraint(
        op.f("ck_campaigns_topic"), "campaigns", TOPIC, postgresql_not_valid=True
    )
    op.add_column(
        "acceptance_rules",
        sa.Column(
            "excluded_topics", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
    )
    for name in CHANGED:
        functions.create(name, revision)
    for name in ADDED:
        functions.create(name, revision)
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO adtech_bot")


def _validate() -> None:
    online.validate("campaigns", "ck_campaigns_topic")


def downgrade() -> None:
    """Remove the functions and the columns. Rules accept ads of every topic again."""
    for name, arguments in ADDED.items():
        op.execute(f"DROP FUNCTION {name}({arguments})")
    for name in CHANGED:
        functions.create(name, down_revision)
    op.drop_column("acceptance_rules", "excluded_topics")
    op.drop_constraint(op.f("ck_campaigns_topic"), "campaigns")
    op.drop_column("campaigns", "topic")
