"""Stop every kill switch for the command `adtech stop all`.

The command has to act within two seconds on a busy machine. Therefore this module imports little:
SQLAlchemy, Typer and pydantic take longer to load than the stop takes. It calls the same database
functions as `services/platform/killswitches.py`.
"""

import asyncio
import json
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from db import address

DATABASE = "DATABASE_URL"
NO_REASON = "no_reason_given"
"""The reason that is stored if the person gives none. It equals `killswitches.NO_REASON`."""
FIRST_CHECK_SECONDS = 0.2
"""The time after which the command searches for sessions that lock tables and delay the stop.

`settle_stops` waits 0.4 s for the row of a switch. There must be a search within this time.
"""
CHECK_SECONDS = 0.1
"""The pause before each later search, and before each attempt to stop after a failed one."""
NOTIFY_SECONDS = 1.3
"""If a session that cannot be ended delays the stop for longer than this, the person is told."""
CONNECT_SECONDS = 2.0
"""The longest time of one attempt to connect."""
STATEMENT_SECONDS = 5.0
"""The longest time of one statement. A proxy may keep a connection that nobody answers."""
RETRY_SECONDS = 60.0
"""The time for which the command tries to reach a database that does not answer."""
_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_PASSING = ("08", "25P04", "40", "53", "55P03", "57")
"""The SQLSTATE prefixes of a lost connection, a conflict, a time limit and a busy server."""
_REFUSED_LOGIN = ("28", "3D")
"""The SQLSTATE prefixes of a wrong user, password or name of the database."""
_DISK_FULL = "53100"
_READ_ONLY = "25006"
_NO_RIGHT = "42501"
_NO_OPERATOR = "AD042"
NOT_STOPPED = 1
WRONG_USE = 2
NO_DATABASE = 3
_PERSON = """
    SELECT users.id, coalesce(array_agg(role ORDER BY role) FILTER (WHERE role IS NOT NULL), '{}')
        AS roles
    FROM users LEFT JOIN user_roles ON user_roles.user_id = users.id AND NOT users.blocked
    WHERE telegram_id = $1 GROUP BY users.id
"""
# The rows that have a default of their own read the id from the setting.
_STOP = """
    SELECT stop_all_switches($1, $2, $3, set_id)
    FROM set_config('adtech.correlation_id', $4, true) AS set_id
"""
_DENIED = """
    INSERT INTO user_audit_logs (action, user_id, role, metadata, correlation_id)
    VALUES ('access_denied', $1, $2, '{"refused": "kill_switch", "error": "AccessDenied",
        "in_admin_chat": true}', $3)
"""
_BEFORE = """
    SELECT switch.key, coalesce(stop.created_at, switch.changed_at) AS changed_at,
        coalesce(stop.reason, switch.reason) AS reason, person.telegram_id
    FROM kill_switches switch
    LEFT JOIN LATERAL (
        SELECT * FROM switch_stops WHERE key = switch.key ORDER BY id LIMIT 1) stop ON true
    LEFT JOIN users person ON person.id
        = CASE WHEN stop.id IS NULL THEN switch.changed_by ELSE stop.stopped_by END
    WHERE switch.key <> ALL ($1) ORDER BY switch.key
"""
_SETTLE = "SELECT settle_stops(ARRAY(SELECT key FROM kill_switches))"
_UNSETTLED = """
    SELECT array_agg(key ORDER BY key) FROM kill_switches
    WHERE enabled AND key IN (SELECT key FROM switch_stops)
"""
_SENDS = "SELECT count(*) FROM post_jobs WHERE status = 'sending'"
_END_LOCK_HOLDERS = "SELECT remaining FROM end_lock_holders()"


def run(person: int, reason: str) -> int:
    """Stop everything in a person's name, print the result, and return the exit status.

    `person` is a Telegram id. `reason` may be empty.
    """
    database = _read_address()
    if database is None:
        return WRONG_USE
    try:
        readable = reason.strip().encode(errors="replace").decode()  # bytes that are no UTF-8
        stopped = asyncio.run(_stop(database, person, readable or NO_REASON))
    except _RefusedError as refused:
        _say(str(refused))
        return NOT_STOPPED
    except _ERRORS as error:
        _say(f"NOT stopped: {_problem(error)}")
        return NO_DATABASE
    _print(stopped)
    return 0


def _problem(error: Exception) -> str:
    """Say what is wrong with the database and what to do, without any part of its address."""
    name, state = type(error).__name__, getattr(error, "sqlstate", None) or ""
    if state.startswith(_REFUSED_LOGIN):
        return (
            "PostgreSQL refuses the login. Correct user, password and database in"
            f" {DATABASE}, or write /stop in the admin chat. ({name})"
        )
    if state == _NO_RIGHT:
        return (
            f"the login of {DATABASE} may not stop anything. Use the login of the bot, or write"
            f" /stop in the admin chat. ({name})"
        )
    if state == _DISK_FULL:
        return (
            "the disk of PostgreSQL is full. Stop the processes of the bot and of the scheduler,"
            f" free space on the disk, and repeat the command. ({name})"
        )
    if state == _READ_ONLY:
        return (
            "PostgreSQL is read-only. Stop the processes of the bot and of the scheduler, or set"
            f" {DATABASE} to the server that accepts writes and repeat the command. ({name})"
        )
    said = "did not answer" if _may_pass(error) else "refused the stop"
    return (
        f"the database {said} ({name}). Stop the processes of the bot and of the scheduler, and"
        " repeat the command."
    )


class _RefusedError(Exception):
    """The person may not stop anything."""


class _FileError(Exception):
    """The file of settings cannot be read, or there is no DATABASE_URL in it."""


@dataclass(frozen=True)
class _Stopped:
    now: list[str]
    """The switches that were running before."""
    before: list[Any]
    """The switches that were stopped already, each with the time, the reason and the person."""
    holders: list[dict[str, Any]]
    """The sessions that delayed the stop, as `end_switch_holders` returns them."""
    unsettled: list[str]
    sends: int


def _read_address() -> address.Address | None:
    """Return the parsed DATABASE_URL. If it is wrong or missing, print this and return None."""
    try:
        return address.parse(os.environ.get(DATABASE) or _read_file())
    except _FileError as error:
        problem = str(error)
    except ValueError as error:
        problem = f"{DATABASE} {error}"
    _say(f"settings: {problem}")
    return None


def _read_file() -> str:
    """Return DATABASE_URL from the file of settings, or of a running sandbox.

    Raises _FileError if neither has it.
    """
    from bot import env_file  # noqa: PLC0415 - most calls need no file
    from bot.cli import running_sandbox  # noqa: PLC0415 - likewise

    try:
        found = env_file.read().get(DATABASE) or running_sandbox.find_settings().get(DATABASE)
    except env_file.EnvFileError as error:
        raise _FileError(str(error)) from None
    if not found:
        raise _FileError(f"{DATABASE} is missing: {env_file.where_to_set(DATABASE)}")
    return found


async def _stop(database: address.Address, telegram_id: int, reason: str) -> _Stopped:
    """Stop all switches, wait for what is under way, and return what was stopped.

    Raises _RefusedError, and the database's error if it did not answer for RETRY_SECONDS or if its
    disk is full for that long.
    """
    until, said = time.monotonic() + RETRY_SECONDS, set[str]()
    while True:
        answered = False
        try:
            async with _connected(database) as connection, _lock_holders_ended(database, said):
                answered = True
                now, before = await _write(connection, telegram_id, reason)
                return await _settle(connection, now, before)
        except _ERRORS as error:
            if (task := asyncio.current_task()) and task.cancelling():
                # Ctrl-C came at the moment of the error, which has replaced the cancellation.
                raise asyncio.CancelledError from error
            is_full = getattr(error, "sqlstate", None) == _DISK_FULL
            if answered and not is_full:
                until = time.monotonic() + RETRY_SECONDS  # a lock may delay the stop for long
            if not _may_pass(error) or time.monotonic() > until:
                raise
            if not said:
                why = "The disk of PostgreSQL is full: free space. " if is_full else ""
                _say_once(said, f"NOT stopped yet ({type(error).__name__}). {why}Trying again.")
            await asyncio.sleep(CHECK_SECONDS)


def _may_pass(error: Exception) -> bool:
    """Return whether the same statements may succeed later, for example after a lock has ended."""
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(_PASSING)


async def _write(
    connection: asyncpg.Connection, telegram_id: int, reason: str
) -> tuple[list[str], list[Any]]:
    """Write the stops, and return the switches that were stopped now and those from before."""
    person = await connection.fetchrow(_PERSON, telegram_id)
    correlation_id = f"command-line-{secrets.token_hex(6)}"
    if person is None:
        raise _RefusedError(f"NOT stopped: the bot does not know the person {telegram_id}.")
    role = next((r for r in ("operator", "super_admin") if r in person["roles"]), None)
    if role is None:
        roles = ",".join(person["roles"]) or "none"
        await connection.execute(_DENIED, person["id"], roles, correlation_id)
        raise _RefusedError(f"NOT stopped: {telegram_id} is neither operator nor super admin.")
    try:
        async with connection.transaction():
            now = await connection.fetchval(_STOP, person["id"], role, reason, correlation_id)
            before = await connection.fetch(_BEFORE, now)
    except asyncpg.PostgresError as error:
        if error.sqlstate != _NO_OPERATOR:
            raise
        raise _RefusedError(f"NOT stopped: {telegram_id} has just lost the role.") from error
    return now, before


async def _settle(connection: asyncpg.Connection, now: list[str], before: list[Any]) -> _Stopped:
    """Wait for the acts that began before the stops, and return the whole result.

    The stops are saved already. If the database does not answer, they count as not settled.
    """
    try:
        holders = json.loads(await connection.fetchval(_SETTLE))
        unsettled = await connection.fetchval(_UNSETTLED) or []
        return _Stopped(now, before, holders, unsettled, await connection.fetchval(_SENDS))
    except _ERRORS:
        return _Stopped(now, before, [], now, 0)


@asynccontextmanager
async def _connected(database: address.Address) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection, also through a pooler, and close it at the end without waiting."""
    address.ignore_libpq_settings()
    options = database.connect_arguments() | {"timeout": CONNECT_SECONDS}
    connection = await asyncpg.connect(
        **options, statement_cache_size=0, command_timeout=STATEMENT_SECONDS
    )
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def _lock_holders_ended(database: address.Address, said: set[str]) -> AsyncIterator[None]:
    """End the sessions that lock whole tables and delay the stop, until the block ends."""
    ending = asyncio.create_task(_end_lock_holders(database, said))
    try:
        yield
    finally:
        ending.cancel()
        with suppress(asyncio.CancelledError):
            await ending


async def _end_lock_holders(database: address.Address, said: set[str]) -> None:
    began = time.monotonic()
    await asyncio.sleep(FIRST_CHECK_SECONDS)
    with suppress(*_ERRORS):
        async with _connected(database) as connection:
            while True:
                remaining = await connection.fetchval(_END_LOCK_HOLDERS)
                if remaining and time.monotonic() - began > NOTIFY_SECONDS:
                    _say_once(
                        said,
                        "NOT stopped yet. A superuser's session locks a table; end it in"
                        " PostgreSQL. This command waits until the stop is written.",
                    )
                await asyncio.sleep(CHECK_SECONDS)


def _print(stopped: _Stopped) -> None:
    if stopped.now:
        _out("Everything is STOPPED. Nothing new moves money, and no ad is posted.")
        _out(f"Stopped now: {', '.join(stopped.now)}")
    else:
        _out("Everything was STOPPED already. Nothing was changed.")
    for row in stopped.before:
        by = row["telegram_id"] or "the system"
        _out(
            f"Stopped before: {row['key']}, since {row['changed_at']:%Y-%m-%d %H:%M} UTC, by {by}"
            f" ({_in_words(row['reason'])})"
        )
    if stopped.sends:
        posts = "1 post was" if stopped.sends == 1 else f"{stopped.sends} posts were"
        _out(f"{posts} under way; every result is recorded.")
    unique = {holder["pid"]: holder for holder in stopped.holders}
    for holder in sorted(unique.values(), key=lambda each: -float(each["seconds"] or 0)):
        whose = (
            f"login {holder['login']}, program {_one_line(holder['program']) or '?'}, process"
            f" {holder['pid']}, transaction open for {float(holder['seconds'] or 0):.1f} s"
        )
        if holder["ended"]:
            _out(f"Ended a session that held the stop up: {whose}. Nothing of it was saved.")
        else:
            _out(
                f"A superuser's session holds the stop up: {whose}. End it in PostgreSQL:"
                f" SELECT pg_terminate_backend({holder['pid']});"
            )
    if stopped.unsettled:
        _out(
            "Acts that began before may still be under way, new acts are refused:"
            f" {', '.join(stopped.unsettled)}"
        )
    _out("Run the switches again one by one: adtech killswitch run KEY REASON --as ID")


def _in_words(reason: str) -> str:
    """Return a reason for people. The product itself stores names, for example `NO_REASON`."""
    is_name = re.fullmatch("[a-z]+(_[a-z]+)+", reason) is not None
    return reason.replace("_", " ") if is_name else _one_line(reason)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _out(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _say_once(said: set[str], line: str) -> None:
    if line not in said:
        said.add(line)
        _say(line)
