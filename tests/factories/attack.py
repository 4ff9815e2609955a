"""Describe attacks with a stolen database password."""

from dataclasses import dataclass

from sandbox import logins

DENIED = "42501"
"""The SQLSTATE for a missing right."""
LOGIN = {
    "app": logins.APP,
    "intake": logins.INTAKE,
    "bot": logins.BOT,
    "clock": logins.CLOCK,
    "reports": logins.REPORTS,
    "redirect": logins.REDIRECT,
    "owner": logins.OWNER,
}


@dataclass(frozen=True)
class Attack:
    """An attack: its statements in one transaction, and the SQLSTATE that each login must get."""

    name: str
    sql: tuple[str, ...]
    refused: dict[str, str]

    @property
    def allowed(self) -> list[str]:
        """The logins whose job needs the statements."""
        return [login for login in logins.LOGINS if login not in self.refused]


def attack(what: str, *sql: str, **states: str) -> Attack:
    """Describe an attack.

    `states` maps a login to its expected SQLSTATE, or to "may" if the login may run the statements.
    A missing login must get DENIED.
    """
    expected = dict.fromkeys(logins.LOGINS, DENIED) | {
        LOGIN[name]: state for name, state in states.items()
    }
    return Attack(what, sql, {login: state for login, state in expected.items() if state != "may"})


def everywhere(state: str) -> dict[str, str]:
    """Expect `state` for the logins that only a trigger can refuse: `app`, `bot` and `clock`."""
    return {"app": state, "bot": state, "clock": state}
