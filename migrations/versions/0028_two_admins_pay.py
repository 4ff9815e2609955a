"""Let two admins decide in the database too that the owner of a post that no check has seen is paid.

Before, only the bot asked for the second admin. With the password of its login and one admin's press, such
a post could be paid. An admin who was the placement's advertiser or owner could also decide about it.
"""

from alembic import op

from migrations import functions

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ADDED = (("deciding_admins", "post_jobs, text[]"), ("guard_statement", ""))
REPLACED = ("guard_breach", "guard_check")


def upgrade() -> None:
    """Replace the functions, and guard the statements of admins."""
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)
    op.execute("DROP FUNCTION has_decided(post_jobs, text[])")
    op.execute(
        "CREATE TRIGGER stated_by_press BEFORE INSERT ON publication_statements FOR EACH ROW"
        " EXECUTE FUNCTION guard_statement()"
    )


def downgrade() -> None:
    """Restore the functions, and remove the guard of the statements."""
    op.execute("DROP TRIGGER stated_by_press ON publication_statements")
    functions.create("has_decided", down_revision)
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
