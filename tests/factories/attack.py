"""Describe an attack with a stolen database password, and the refusal that each login must get.

A login is a database role with the rights of one job. `docs/security.md` names these attacks. A
login that is missing in `Attack.refused` may do what the attack does, because the login's job needs
the same statements. The page says what a thief of such a password can still do.
"""

from dataclasses import dataclass

from sandbox import logins

DENIED = "42501"
"""The SQLSTATE of a missing right."""
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
    """Statements that a login runs in one transaction, and the expected SQLSTATE of each login.

    A login is a database role with the rights of one job.
    """

    name: str
    sql: tuple[str, ...]
    refused: dict[str, str]

    @property
    def allowed(self) -> list[str]:
        """The logins that may run the statements of the attack, because their job needs them."""
        return [login for login in logins.LOGINS if login not in self.refused]


def attack(what: str, *sql: str, **states: str) -> Attack:
    """Describe an attack: its name, its statements, and the refusal that each login must get.

    A login is a database role. `states` maps a login's key in LOGIN to the SQLSTATE that this login
    must get. A login without a state must get DENIED. The state "may" means that the login may do
    what the attack does.
    """
    expected = dict.fromkeys(logins.LOGINS, DENIED) | {
        LOGIN[name]: state for name, state in states.items()
    }
    return Attack(what, sql, {login: state for login, state in expected.items() if state != "may"})


def everywhere(state: str) -> dict[str, str]:
    """Return this SQLSTATE as the expected refusal for the logins `app`, `bot` and `clock`.

    These logins have the right to run the statements of the attack, and a trigger refuses them. The
    other logins do not have this right.
    """
    return {"app": state, "bot": state, "clock": state}
