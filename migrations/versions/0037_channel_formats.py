"""Let a channel sell several formats of posts, each with its price, and take posts down at their end.

Before, a channel had one price and one number of promised hours, and its owner took the posts down.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLE, PLACEMENTS = "channel_formats", "campaign_targets"
VERSIONS, REQUESTS = "placement_versions", "change_requests"
REMOVALS = "removals"
ENDINGS = ("removed", "left", "endless")
FUNCTION = "keep_first_format"
OF_REMOVALS = ("plan_removal", "guard_removal")
STATUSES = ("planned", "deleting", "uncertain", "done", "refused")
MOVES = (
    *("planned>deleting", "planned>refused", "deleting>refused", "deleting>done"),
    *("deleting>planned", "deleting>uncertain"),
    *("uncertain>planned", "uncertain>done", "uncertain>refused"),
)
FROZEN = ("hours_on_top", "ending")
REPLACED = ("guard_version", "extend_audit_chain")
WANTED = (
    ("promised_hours", sa.BigInteger()),
    ("hours_on_top", sa.BigInteger()),
    ("ending", sa.String(32)),
)
"""The columns of a change request for another format. Its price is in the column `price`."""
WHOLE_FORMAT = (
    "num_nonnulls(promised_hours, hours_on_top, ending) = CASE WHEN ending IS NULL THEN 0 ELSE 3 END"
    " AND (ending IS NULL OR price IS NOT NULL)"
)
BEFORE = "bigint, bigint, bigint, jsonb, bigint, bigint, timestamptz, timestamptz, text"
AFTER = (
    "bigint, bigint, bigint, jsonb, bigint, bigint, bigint, text, timestamptz, timestamptz, text"
)
"""The arguments of `change_placement` before and after this revision."""
ON_TOP = "hours_on_top BETWEEN 0 AND promised_hours"
CHECKS = (
    ("hours_on_top", ON_TOP),
    ("ending", f"ending IN {ENDINGS}"),
    ("removable", "ending <> 'removed' OR promised_hours BETWEEN 1 AND 47"),
)
"""The new constraints of placements: name and condition."""


def upgrade() -> None:
    """Create the table, then the columns of placements, and a format for each priced channel."""
    online.run(revision, (_create_table, _extend_placements, _validate, _create_removals, _fill))


def _create_table() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("promised_hours", sa.BigInteger(), nullable=False),
        *_promise_columns(),
        _time("retired_at", nullable=True),
        _time("created_at"),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f(f"fk_{TABLE}_channel_id")
        ),
        sa.CheckConstraint("price >= 1", name=op.f(f"ck_{TABLE}_price")),
        sa.CheckConstraint("promised_hours >= 0", name=op.f(f"ck_{TABLE}_promised_hours")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}")) for name, rule in CHECKS),
    )
    op.create_index(
        "uq_channel_formats_present",
        TABLE,
        ["channel_id", "promised_hours", "hours_on_top", "ending"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    frozen = ("id", "channel_id", "price", "promised_hours", *FROZEN, "created_at")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {TABLE} FOR EACH ROW"
        f" WHEN (old.retired_at IS NOT NULL OR {_differs(frozen)})"
        " EXECUTE FUNCTION refuse_frozen()"
    )
    op.execute(
        f"CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    functions.create(FUNCTION, revision)
    op.execute(
        "CREATE TRIGGER first_format AFTER INSERT OR UPDATE OF price, promised_hours ON channels"
        f" FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
    )
    columns = "channel_id, price, promised_hours, hours_on_top, ending"
    op.execute(f"GRANT SELECT, INSERT ({columns}), UPDATE (retired_at) ON {TABLE} TO adtech_bot")
    op.execute(f"GRANT SELECT ON {TABLE} TO adtech_clock, adtech_reports")


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.text("clock()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _correlation_id() -> sa.Column[object]:
    default = sa.text("nullif(current_setting('adtech.correlation_id', true), '')")
    return sa.Column("correlation_id", sa.Text(), server_default=default, nullable=True)


def _promise_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("hours_on_top", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ending", sa.String(32), server_default="left", nullable=False),
    ]


def _differs(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)


def _extend_placements() -> None:
    for table in (PLACEMENTS, VERSIONS):
        for column in _promise_columns():
            op.add_column(table, column)
    for name, rule in CHECKS:
        op.execute(
            f"ALTER TABLE {PLACEMENTS} ADD CONSTRAINT ck_{PLACEMENTS}_{name} CHECK ({rule}) NOT VALID"
        )
    op.execute(
        f"CREATE TRIGGER frozen_format BEFORE UPDATE OF {', '.join(FROZEN)} ON {PLACEMENTS}"
        f" FOR EACH ROW WHEN (old.version = new.version AND ({_differs(FROZEN)}))"
        " EXECUTE FUNCTION refuse_frozen()"
    )
    for name in REPLACED:
        functions.create(name, revision)
    _create_change(revision, BEFORE)
    for name, kind in WANTED:
        op.add_column(REQUESTS, sa.Column(name, kind, nullable=True))
    op.create_check_constraint(
        op.f(f"ck_{REQUESTS}_format"), REQUESTS, WHOLE_FORMAT, postgresql_not_valid=True
    )


def _create_change(text_of: str, former_arguments: str) -> None:
    op.execute(f"DROP FUNCTION change_placement({former_arguments})")
    functions.create("change_placement", text_of)
    op.execute("GRANT EXECUTE ON FUNCTION change_placement TO adtech_bot")


def _validate() -> None:
    online.validate(PLACEMENTS, *(f"ck_{PLACEMENTS}_{name}" for name, _ in CHECKS))
    online.validate(REQUESTS, f"ck_{REQUESTS}_format")


def _create_removals() -> None:
    op.create_table(
        REMOVALS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("post_job_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(32), server_default="planned", nullable=False),
        _time("due_at"),
        sa.Column("claim_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        _time("lease_until", nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("ended_at", nullable=True),
        _time("created_at"),
        _correlation_id(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{REMOVALS}")),
        sa.ForeignKeyConstraint(
            ["post_job_id"], ["post_jobs.id"], name=op.f(f"fk_{REMOVALS}_post_job_id")
        ),
        sa.UniqueConstraint("post_job_id", name=op.f(f"uq_{REMOVALS}_post_job_id")),
        sa.CheckConstraint(f"status IN {STATUSES}", name=op.f(f"ck_{REMOVALS}_removalstatus")),
        sa.CheckConstraint(
            "(status = 'deleting') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f(f"ck_{REMOVALS}_lease"),
        ),
    )
    for name, column, condition in (
        ("due", "due_at", "status IN ('planned', 'uncertain')"),
        ("deleting", "lease_until", "status = 'deleting'"),
    ):
        op.create_index(
            f"ix_{REMOVALS}_{name}", REMOVALS, [column], postgresql_where=sa.text(condition)
        )
    for name in OF_REMOVALS:
        functions.create(name, revision)
    moves = ", ".join(f"'{move}'" for move in MOVES)
    changed = "old.status::text IS DISTINCT FROM new.status::text"
    for trigger in (
        (
            f"allowed_move BEFORE UPDATE OF status ON {REMOVALS} FOR EACH ROW WHEN ({changed})"
            f" EXECUTE FUNCTION require_allowed_move({moves})"
        ),
        (
            f"initial_status BEFORE INSERT ON {REMOVALS} FOR EACH ROW"
            " WHEN (new.status::text IS DISTINCT FROM 'planned'::text)"
            " EXECUTE FUNCTION refuse_initial_status()"
        ),
        (
            f"claimed BEFORE UPDATE OF status, claim_no ON {REMOVALS} FOR EACH ROW"
            " EXECUTE FUNCTION guard_removal()"
        ),
        (
            f"frozen BEFORE UPDATE OF post_job_id, created_at ON {REMOVALS} FOR EACH ROW"
            f" WHEN ({_differs(('post_job_id', 'created_at'))}) EXECUTE FUNCTION refuse_frozen()"
        ),
        (
            f"never_deleted BEFORE DELETE OR TRUNCATE ON {REMOVALS} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()"
        ),
        (
            f"switched BEFORE UPDATE OF status ON {REMOVALS} FOR EACH ROW"
            " WHEN (old.status::text = 'planned'::text AND new.status::text = 'deleting'::text)"
            " EXECUTE FUNCTION require_running('telegram_posting')"
        ),
        (
            "plans_removal AFTER UPDATE OF status ON escrows FOR EACH ROW"
            f" WHEN ({changed} AND new.status::text = 'released'::text)"
            " EXECUTE FUNCTION plan_removal()"
        ),
    ):
        op.execute(f"CREATE TRIGGER {trigger}")
    changeable = "status, due_at, claim_no, lease_owner, lease_until, last_error, ended_at"
    op.execute(f"GRANT SELECT, UPDATE ({changeable}) ON {REMOVALS} TO adtech_clock")
    op.execute(f"GRANT SELECT ON {REMOVALS} TO adtech_reports")


def _fill() -> None:
    # The trigger `first_format` makes the format, under the lock of the channel.
    online.update_by_id(
        "channels",
        "UPDATE channels SET price = price WHERE id BETWEEN :first AND :last AND price IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM channel_formats f WHERE f.channel_id = channels.id)",
    )


def downgrade() -> None:
    """Remove the columns of placements and the tables. The first format of a channel remains."""
    op.execute("DROP TRIGGER plans_removal ON escrows")
    op.drop_table(REMOVALS)
    for name in OF_REMOVALS:
        op.execute(f"DROP FUNCTION {name}()")
    for name, _ in WANTED:
        op.drop_column(REQUESTS, name)
    _create_change(down_revision, AFTER)
    for name in REPLACED:
        functions.create(name, down_revision)
    op.execute(f"DROP TRIGGER frozen_format ON {PLACEMENTS}")
    for table in (PLACEMENTS, VERSIONS):
        for column in FROZEN:
            op.drop_column(table, column)
    op.execute("DROP TRIGGER first_format ON channels")
    op.execute(f"DROP FUNCTION {FUNCTION}()")
    op.drop_table(TABLE)
