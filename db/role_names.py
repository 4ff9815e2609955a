"""Read the setting DATABASE_ROLES, and put the names of an installation's database roles into SQL.

The files of the product write the usual names, for example `adtech_bot`.
"""

import re
from collections.abc import Mapping

JOBS = ("owner", "app", "intake", "bot", "clock", "reports", "redirect")
"""The parts of the usual names behind `adtech_`."""
USUAL = {job: f"adtech_{job}" for job in JOBS}
_LATEST = "redirect"
"""The job that installations of the releases before do not name."""
_LONGEST = 63
"""PostgreSQL cuts longer names."""
_USUAL_NAME = re.compile(rf"(')?\badtech_({'|'.join(JOBS)})\b(')?")
_RIGHT = re.compile(r"\s*(GRANT|REVOKE)\b", re.IGNORECASE)


class RoleNamesError(ValueError):
    """The names of the roles are wrong. The message is one line for the person who migrates."""


def parse(text: str) -> Mapping[str, str]:
    """Return the name of each role by job. `text` is for example `owner=acme_owner,bot=acme_bot`.

    A role that `text` does not name has its usual name, and the latest one that of all others if
    these have one name. Raises RoleNamesError.
    """
    given = {}
    for part in (part.strip() for part in text.split(",")):
        job, _, name = (word.strip() for word in part.partition("="))
        if not part:
            continue
        if job not in USUAL:
            raise RoleNamesError(f"must have only these names before =: {', '.join(JOBS)}")
        is_plain = name.isprintable() and not set(name) & set("'\"\\:%$")
        if not name or not is_plain or len(name.encode()) > _LONGEST:
            raise RoleNamesError(
                f"must have behind {job}= a name of at most {_LONGEST} characters,"
                " without quotes and the characters \\ : % $"
            )
        given[job] = name
    names = USUAL | given
    others = {name for job, name in names.items() if job != _LATEST}
    if _LATEST not in given and len(others) == 1:
        names[_LATEST] = others.pop()
    if 1 < len(set(names.values())) < len(JOBS):
        raise RoleNamesError("must name seven different roles, or the same one seven times")
    return names


def is_single(names: Mapping[str, str]) -> bool:
    """Return whether one login does everything, because the hoster lets nobody create roles."""
    return len(set(names.values())) == 1


def rename(statement: str, names: Mapping[str, str]) -> str:
    """Return an SQL statement with the names of this installation in place of the usual ones.

    If one login does everything, a statement that gives or takes rights of a role does nothing: the
    owner of the tables has all rights.
    """
    if names == USUAL:
        return statement
    if is_single(names) and _RIGHT.match(statement) and _USUAL_NAME.search(statement):
        return "SELECT 1"

    def replace(found: re.Match[str]) -> str:
        before, job, after = found.groups(default="")
        name = names[job] if before and after else f'"{names[job]}"'
        return f"{before}{name}{after}"

    return _USUAL_NAME.sub(replace, statement)
