"""Let the owner of a channel publish a removed post again, once, after a complaint.

Before, a removed post always ended in a refund, and an owner who had removed it by mistake could only write words.
"""

from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0067"
down_revision = "0063"
branch_labels = None
depends_on = None

JOBS, STEPS, KINDS = "post_jobs", "complaint_steps", "ck_complaint_steps_stepkind"
COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "removed_message_id": sa.BigInteger(),
    "first_sent_at": sa.DateTime(timezone=True),
}
FORMER = (
    *("opened", "answered", "correcting", "corrected", "satisfied", "disputed", "decided"),
    *("accepted", "appealed", "timed_out", "reminded", "absorbed", "ended"),
)
NEW = ("gone", "republishing", "republished")
REPLACED = (
    *("guard_post_job", "guard_post_decision", "absorb_complaint", "end_complaint_step"),
    *("take_complaint_step", "finish_restore", "guard_check", "publish_time"),
)
ADDED = (
    ("is_post_gone", "post_jobs"),
    ("tell_post_gone", ""),
    ("republish_post", "bigint, bigint, interval, text"),
    ("record_republication", ""),
)
"""The new functions, with their arguments."""
INSERTED = "campaign_target_id, channel_id, due_at, updated_at, created_at"
"""The columns of a new post job that an approval writes. All others begin empty."""
GRANTS = (
    ("is_post_gone", "adtech_bot"),
    ("is_post_gone", "adtech_clock"),
    ("republish_post", "adtech_bot"),
)
TRIGGERS = {
    "tells_post_gone": (
        "post_checks",
        (
            "AFTER INSERT ON post_checks FOR EACH ROW WHEN (new.verdict::text = 'gone'::text)"
            " EXECUTE FUNCTION tell_post_gone()"
        ),
    ),
    "records_republication": (
        JOBS,
        (
            "AFTER UPDATE OF status ON post_jobs FOR EACH ROW"
            " WHEN (old.status::text <> new.status::text AND new.status::text = 'success'::text"
            " AND new.removed_message_id IS NOT NULL) EXECUTE FUNCTION record_republication()"
        ),
    ),
}
"""The new triggers: the table, and the rest of the statement."""
_BREAKS = "old.breach IS NULL AND new.breach IS NOT NULL"
_MOVES = (
    *("queued>sending", "sending>success", "sending>failed", "sending>queued"),
    *("sending>uncertain", "uncertain>success", "uncertain>queued", "uncertain>failed"),
    *("uncertain>cancelled", "queued>cancelled", "queued>failed", "success>failed"),
    "queued>uncertain",
)
_OTHER_ID = "old.status::text = 'success'::text AND new.message_id IS DISTINCT FROM old.message_id"
_WRITTEN = ("placement_cancelled", "placement_accepted", "placement_declined")
_OF_COMPLAINTS = ("complaint_absorbed", "complaint_corrected")


def _absorbing(condition: str) -> str:
    return (
        "absorbs_complaint AFTER UPDATE OF status, breach ON post_jobs FOR EACH ROW"
        f" WHEN (({_BREAKS}) OR ({condition})) EXECUTE FUNCTION absorb_complaint()"
    )


def _moving(*moves: str) -> str:
    listed = ", ".join(f"'{move}'" for move in moves)
    return (
        "allowed_move BEFORE UPDATE OF status ON post_jobs FOR EACH ROW"
        " WHEN (old.status::text IS DISTINCT FROM new.status::text)"
        f" EXECUTE FUNCTION require_allowed_move({listed})"
    )


def _claiming(*more: str) -> str:
    columns = ", ".join(("status", "claim_no", "sent_at", *more))
    return (
        f"claimed BEFORE UPDATE OF {columns} ON post_jobs FOR EACH ROW"
        " EXECUTE FUNCTION guard_post_job()"
    )


def _publishing(condition: str) -> str:
    return (
        "published_once BEFORE UPDATE OF message_id ON post_jobs FOR EACH ROW"
        f" WHEN ({condition}) EXECUTE FUNCTION refuse_frozen()"
    )


def _writing(*more: str) -> str:
    names = ", ".join(f"'{name}'" for name in (*_WRITTEN, *_OF_COMPLAINTS, *more))
    return (
        f"written_by_function BEFORE INSERT ON outbox FOR EACH ROW WHEN (new.kind = ANY (ARRAY[{names}])"
        f" OR split_part(new.key, ':', 1) = ANY (ARRAY[{names}]))"
        " EXECUTE FUNCTION guard_notice('database')"
    )


PRESENT = (
    _absorbing(
        "old.status::text <> new.status::text"
        " AND (new.status::text = ANY (ARRAY['failed'::text, 'cancelled'::text]))"
    ),
    _moving(*_MOVES, "success>queued"),
    _claiming(*COLUMNS),
    _publishing(
        f"{_OTHER_ID} AND (new.status::text <> 'queued'::text OR new.message_id IS NOT NULL)"
    ),
    _writing("complaint_gone", "complaint_republished"),
)
"""The changed triggers."""
BEFORE = (
    _absorbing("old.status::text = 'success'::text AND new.status::text = 'failed'::text"),
    _moving(*_MOVES),
    _claiming(),
    _publishing(_OTHER_ID),
    _writing(),
)
"""The same triggers before this migration."""


def upgrade() -> None:
    """Add the columns, the functions and the triggers."""
    # Each step locks one table that the product uses, so that nobody waits in a circle.
    online.run(
        revision,
        (
            _add_columns,
            _allow,
            _validate,
            _create_functions,
            _narrow,
            *(partial(_replace, trigger) for trigger in PRESENT),
            *(partial(_create, name, rest) for name, (_, rest) in TRIGGERS.items()),
        ),
    )


def _add_columns() -> None:
    for name, kind in COLUMNS.items():
        op.add_column(JOBS, sa.Column(name, kind))


def _allow() -> None:
    _set_kinds(*FORMER, *NEW)


def _set_kinds(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f(KINDS), STEPS)
    op.create_check_constraint(op.f(KINDS), STEPS, f"kind IN ({listed})", postgresql_not_valid=True)


def _validate() -> None:
    online.validate(STEPS, KINDS)


def _create_functions() -> None:
    for name in (*(added for added, _ in ADDED), *REPLACED):
        functions.create(name, revision)
    for name, login in GRANTS:
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {login}")


def _narrow() -> None:
    op.execute(f"REVOKE INSERT ON {JOBS} FROM adtech_bot")
    op.execute(f"GRANT INSERT ({INSERTED}) ON {JOBS} TO adtech_bot")


def _create(name: str, rest: str) -> None:
    op.execute(f"CREATE TRIGGER {name} {rest}")


def _replace(trigger: str) -> None:
    op.execute(f"CREATE OR REPLACE TRIGGER {trigger}")


def downgrade() -> None:
    """Restore the former functions and triggers. The new steps of complaints are deleted."""
    for name, (table, _) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for trigger in BEFORE:
        _replace(trigger)
    op.execute(f"REVOKE INSERT ({INSERTED}) ON {JOBS} FROM adtech_bot")
    op.execute(f"GRANT INSERT ON {JOBS} TO adtech_bot")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    steps = sa.table(STEPS, sa.column("kind"))
    op.execute(f"ALTER TABLE {STEPS} DISABLE TRIGGER append_only")
    op.execute(steps.delete().where(steps.c.kind.in_(NEW)))
    op.execute(f"ALTER TABLE {STEPS} ENABLE TRIGGER append_only")
    _set_kinds(*FORMER)
    _validate()
    for name in COLUMNS:
        op.drop_column(JOBS, name)
