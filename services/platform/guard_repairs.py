"""Name the command that puts a guard of the database back as the release has it."""

from collections.abc import Callable

_OWNER = "adtech_owner"
_SWITCH = "INSERT INTO kill_switches (key, reason) VALUES ('{}', 'created_stopped');"


def command(
    kind: str, name: str, expected: str | None, found: str | None, remove: str | None
) -> str:
    """Return the command that puts a guard back, for `psql` with the owner's role.

    `expected` and `found` are its definitions, or None if it does not exist. `remove` drops it.
    """
    if expected is None:
        return f"{remove};" if remove else _undo(kind, name)
    table, _, own_name = name.partition(".")
    if found == f"{expected} DISABLED":
        trigger = own_name if kind == "trigger" else "ALL"
        return f"ALTER TABLE {table} ENABLE TRIGGER {trigger};"
    if found == f"{expected} NOT VALID":
        return f"ALTER TABLE {table} VALIDATE CONSTRAINT {own_name};"
    drop = f"{remove}; " if found is not None else ""
    simple = {
        "trigger": f"{drop}{expected};",
        "rule": f"{drop}{expected};",
        "view": f"CREATE OR REPLACE VIEW {name} AS{expected.partition(' AS')[2]}",
        "index": f"{drop}{expected};",
        "constraint": f"{drop}ALTER TABLE {table} ADD CONSTRAINT {own_name} {expected};",
        "membership": f"GRANT {name};",
        "limit": "ALTER ROLE {1} SET {0} = '30s';".format(*name.split(" of "), ""),
        # PostgreSQL stores this row only while PUBLIC lacks the right.
        "default right": "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
        "kill switch": _SWITCH.format(name),
    }
    special: dict[str, Callable[[str, str, str | None], str]] = {
        "function": _put_back_function,
        "right": _put_back_right,
        "role": _put_back_role,
    }
    if kind in special:
        return special[kind](name, expected, found)
    return simple.get(kind, f"compare {kind} {name} with db/schema.sql; it was: {expected}")


def _undo(kind: str, name: str) -> str:
    """Return the command that removes a setting or a right that the release does not have."""
    if kind == "setting":
        return f"ALTER DATABASE adtech RESET {name};"
    subject, _, role = name.rpartition(" TO ")
    if kind == "default right":
        right, _, objects = subject.partition(" OF ")
        return f"ALTER DEFAULT PRIVILEGES REVOKE {right} ON {objects} FROM {role};"
    return f"REVOKE {subject} FROM {role};"


def _put_back_function(name: str, expected: str, found: str | None) -> str:
    file = f"psql -f db/functions/{name.partition('(')[0]}.sql"
    owner = f"owner {_OWNER} "
    if found is not None and owner in expected and owner not in found:
        return f"ALTER FUNCTION {name} OWNER TO {_OWNER}; {file}"
    return file


def _put_back_right(name: str, expected: str, found: str | None) -> str:
    subject, _, role = name.rpartition(" TO ")
    if found is not None and not expected:
        return f"REVOKE GRANT OPTION FOR {subject} FROM {role} CASCADE;"
    return f"GRANT {name};"


def _put_back_role(name: str, expected: str, found: str | None) -> str:
    was, now = expected.split(), (found or "").split()
    powers = [f"NO{word}" for word in now if word not in was and word.isupper()]
    settings = [word for word in now if word not in was and not word.isupper()]
    commands = [f"ALTER ROLE {name} {' '.join(powers)};"] if powers else []
    commands += [f"ALTER ROLE {name} RESET {setting};" for setting in settings]
    return " ".join(commands)
