"""Explain the errors of the database in the words of the command line."""

from db.session import (
    cause,
    failure_kind,
    is_away,
    is_conflict,
    is_missing,
    is_refused,
    sqlstate,
)

REFUSED = "PostgreSQL refuses the login. Correct user, password and database in {}."
MISSING = (
    "PostgreSQL has no such database. Correct the name in {}. If the database is lost: see"
    " docs/incidents.md, “The database is lost: a backup is restored”."
)
AWAY = (
    "The database did not answer. Check that PostgreSQL runs, and the host and the port in {}."
    " See docs/incidents.md, “PostgreSQL does not answer”."
)
FAILS = (
    "A process finds that the database fails, for example that a table is locked. See"
    " docs/runbook.md, “PostgreSQL does not answer”."
)
CANNOT_SAVE = {
    "disk_full": "The disk of PostgreSQL is full, so nothing can be saved. Free space on it.",
    "read_only": "PostgreSQL is read-only, so nothing can be saved. Let it accept writes again, or"
    " set {} to the server that does.",
    "no_connection": "PostgreSQL has no free connection. End sessions that nobody needs"
    " (pg_stat_activity).",
}
"""The advice for each result of `failure_kind` that has its own."""
_NO_RIGHT = "42501"
OTHER_SCHEMA = ("42P01", "42703", "42883", "3F000")
"""The SQLSTATEs of a missing table, column, function and schema."""


def explain(error: BaseException, setting: str) -> str:
    """Return what the error means, and what to do now, without passwords and statements.

    `setting` is the name of the setting that has the address of the database.
    """
    return f"{_advise(error, setting)} ({cause(error)})"


def _advise(error: BaseException, setting: str) -> str:
    state = sqlstate(error)
    if is_missing(error):
        return MISSING.format(setting)
    if is_refused(error):
        return REFUSED.format(setting)
    if state == _NO_RIGHT:
        advice = (
            f"The login of {setting} may not do this. See “Needs” in the --help of this command,"
            " and use the login that it names."
        )
    elif state in OTHER_SCHEMA:
        advice = (
            "The database does not fit this version. Migrate it first: see docs/deploy.md,"
            " “A release”."
        )
    elif (kind := failure_kind(error)) in CANNOT_SAVE:
        advice = f"{CANNOT_SAVE[kind].format(setting)} Then repeat the command."
    elif is_conflict(error):
        advice = "Another session held the rows for too long. Repeat the command."
    elif is_away(error):
        advice = AWAY.format(setting)
    else:
        advice = "The database refused the command, and nothing was changed."
    return advice
