"""Describe attacks with a stolen database password, and how the database must refuse each attack.

A login is a database role with the rights for one job. If a login's job needs the statements of an
attack, the database cannot refuse them. Then the login is missing in `Attack.refused`.
`docs/security.md` says what a thief of such a password can do.
"""

from dataclasses import dataclass

from sandbox import logins

DENIED = "42501"
"""The SQLSTATE with which the database refuses a statement because a right is missing."""
LOGIN = {
    "app": logins.APP,
    "intake": logins.INTAKE,
    "bot": logins.BOT,
    "clock": logins.CLOCK,
    "reports": logins.REPORTS,
    "owner": logins.OWNER,
}


@dataclass(frozen=True)
class Attack:
    """An attack: its statements in one transaction, and the SQLSTATE that each login must get.

    A login is a database role with the rights for one job.
    """

    name: str
    sql: tuple[str, ...]
    refused: dict[str, str]

    @property
    def allowed(self) -> list[str]:
        """The logins that are allowed to run the statements, because their job needs them."""
        return [login for login in logins.LOGINS if login not in self.refused]


def attack(what: str, *sql: str, **states: str) -> Attack:
    """Describe an attack by its name, its statements, and the refusal that each login must get.

    A login is a database role with the rights for one job. `states` maps a key of LOGIN to the
    SQLSTATE that this login must get. If a login is not in `states`, the login must get DENIED. If
    the state of a login is "may", the login is allowed to run the statements.
    """
    expected = dict.fromkeys(logins.LOGINS, DENIED) | {
        LOGIN[name]: state for name, state in states.items()
    }
    return Attack(what, sql, {login: state for login, state in expected.items() if state != "may"})


def everywhere(state: str) -> dict[str, str]:
    """Return `state` as the SQLSTATE that the logins `app`, `bot` and `clock` must get.

    These logins have the rights for the statements of the attack, but a trigger must refuse the
    statements. The remaining logins do not have the rights.
    """
    return {"app": state, "bot": state, "clock": state}
