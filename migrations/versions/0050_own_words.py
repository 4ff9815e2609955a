"""Ask for a person's own press where a login alone could change drafts, links, words and complaints.

Before, the login of the bot could replace the ad of a draft, lead the links of new ads through another host, and
remove the words about which cards warn. It could write a message under the key of one that a database function
writes later: this function then failed, and with it for example the record of a breach.
"""

from functools import partial

from alembic import op

from migrations import functions, online

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

REPLACED = (
    *("open_complaint", "take_complaint_step", "end_complaint_step"),
    *("change_campaign", "delete_draft", "record_clicks"),
)
ADDED = (
    ("has_said_like", "bigint, text"),
    ("require_complaint_time", "interval"),
    ("guard_click_count", ""),
    ("guard_watched_word", ""),
    ("guard_complaint_notice", ""),
)
"""The new functions, with their arguments."""
_OF_FUNCTIONS = (
    "ARRAY['placement_cancelled', 'placement_accepted', 'placement_declined',"
    " 'complaint_absorbed', 'complaint_corrected']"
)
"""The kinds of messages, and first words of keys, that database functions write."""
TRIGGERS = (
    (
        "counted_from_birth",
        "campaigns",
        (
            "BEFORE INSERT ON campaigns FOR EACH ROW WHEN (new.link_base IS NOT NULL)"
            " EXECUTE FUNCTION guard_click_count()"
        ),
    ),
    (
        "counted_by_advertiser",
        "campaigns",
        (
            "BEFORE UPDATE OF link_base ON campaigns FOR EACH ROW"
            " WHEN (old.link_base IS DISTINCT FROM new.link_base) EXECUTE FUNCTION guard_click_count()"
        ),
    ),
    (
        "changed_by_admin",
        "watched_words",
        (
            "BEFORE INSERT OR DELETE ON watched_words FOR EACH ROW"
            " EXECUTE FUNCTION guard_watched_word()"
        ),
    ),
    (
        "written_by_function",
        "outbox",
        (
            f"BEFORE INSERT ON outbox FOR EACH ROW WHEN (new.kind = ANY ({_OF_FUNCTIONS})"
            f" OR split_part(new.key, ':', 1) = ANY ({_OF_FUNCTIONS}))"
            " EXECUTE FUNCTION guard_notice('database')"
        ),
    ),
    (
        "about_step",
        "outbox",
        (
            "BEFORE INSERT ON outbox FOR EACH ROW"
            " WHEN (new.kind = ANY (ARRAY['complaint', 'complaint_staff'])"
            " OR split_part(new.key, ':', 1) = ANY (ARRAY['complaint', 'complaint_staff']))"
            " EXECUTE FUNCTION guard_complaint_notice()"
        ),
    ),
)
"""The new triggers: name, table, and the rest of the statement."""


def upgrade() -> None:
    """Create the functions, then the triggers."""
    # Each step locks one table that the product uses, so that nobody waits in a circle.
    online.run(
        revision,
        (
            _create_functions,
            *(partial(op.execute, f"CREATE TRIGGER {name} {rest}") for name, _, rest in TRIGGERS),
        ),
    )


def _create_functions() -> None:
    for name in (*(added for added, _ in ADDED), *REPLACED):
        functions.create(name, revision)
    op.execute("REVOKE SELECT ON channel_clicks FROM adtech_clock")
    op.execute("REVOKE UPDATE ON card_readers FROM adtech_bot")
    op.execute("GRANT UPDATE (user_id, until) ON card_readers TO adtech_bot")


def downgrade() -> None:
    """Remove the triggers and the functions, and restore the former functions and rights."""
    op.execute("REVOKE UPDATE (user_id, until) ON card_readers FROM adtech_bot")
    op.execute("GRANT UPDATE ON card_readers TO adtech_bot")
    op.execute("GRANT SELECT ON channel_clicks TO adtech_clock")
    for name, table, _ in reversed(TRIGGERS):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
