"""Run the actions of the `adtech` commands, and print results and errors."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import errors as texts_of_errors
from bot import logging, settings
from bot.cli import database_problems, running_sandbox
from bot.cli.tables import err, out
from bot.settings import CommandSettings, Settings
from bot.texts import DEFAULT_LANGUAGE, Texts
from db import correlation
from db.models.users import RequestKind, StaffRequest
from db.session import Sessions, create_engine, create_sessions, is_away
from services.market import staff_requests
from services.market.staff_acts import ACTS
from services.platform import audit, errors, users
from services.platform.actors import Actor

COMMAND_LINE = "command-line"
REFUSED = 1
"""The exit status if a command is refused, or if it finds what must not be."""
WRONG_USE = 2
"""The exit status for wrong arguments, and for a missing or wrong setting."""
NO_DATABASE = 3
"""The exit status if the database does not answer or cannot be used."""
T = TypeVar("T")
_current_actor: ContextVar[Actor | None] = ContextVar("current_actor", default=None)
LARGEST_TELEGRAM_ID = 2**52 - 1
LARGEST_ROW_ID = 2**63 - 1
PROGRESS_SECONDS = 2.0
"""A command that works for longer shows this on a terminal."""


def _require_words(value: str) -> str:
    if not value.strip():
        raise typer.BadParameter("the reason is empty: say why in a few words")
    return require_text(value)


def require_text(value: T) -> T:
    """Return a text, or None. Raises BadParameter for bytes that no column of text can store."""
    if isinstance(value, str) and value != value.encode(errors="ignore").decode():
        raise typer.BadParameter("it contains bytes that are no UTF-8: write it again")
    return value


def row_id(value: str) -> int:
    """Read the id of a row. Raises BadParameter for a text that is no id."""
    return _read_id(value, LARGEST_ROW_ID)


def telegram_id(value: str) -> int:
    """Read the Telegram id of a person. Raises BadParameter for a text that is no id."""
    return _read_id(value, LARGEST_TELEGRAM_ID)


def _read_id(value: str, largest: int) -> int:
    if value.isascii() and value.isdecimal() and 0 < int(value) <= largest:
        return int(value)
    raise typer.BadParameter(f"{value!r} is no id. Write a whole number, for example 42")


Person = Annotated[
    int, typer.Option("--as", parser=telegram_id, metavar="ID", help="Your Telegram id.")
]
Reason = Annotated[
    str,
    typer.Argument(
        callback=_require_words, metavar="REASON", help="The reason. The audit log keeps it."
    ),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", callback=_require_words, help="The reason for the request.")
]


async def staff(session: AsyncSession, person: int) -> Actor:
    """Return the actor with the Telegram id `person`, who has the rights of the admin chat.

    Raises errors.NotFound for an unknown person.
    """
    user = await users.by_telegram_id(session, person)
    if user is None:
        raise errors.NotFound("user", person)
    actor = Actor(user.id, await users.roles(session, user.id), in_admin_chat=True)
    _current_actor.set(actor)
    return actor


def run_once(
    action: Callable[[AsyncSession], Awaitable[T]],
    *,
    as_owner: bool = False,
    as_clock: bool = False,
    reads_only: bool = False,
) -> T:
    """Run an action in one transaction, and return the action's result.

    `as_owner`, `as_clock`, `reads_only` and errors are as in `run_all`.
    """

    async def run_in_transaction(sessions: Sessions) -> T:
        async with sessions.begin() as session:
            return await action(session)

    return run_all(run_in_transaction, as_owner=as_owner, as_clock=as_clock, reads_only=reads_only)


def run_all(
    action: Callable[[Sessions], Awaitable[T]],
    *,
    as_owner: bool = False,
    as_clock: bool = False,
    reads_only: bool = False,
    shows_progress: bool = True,
) -> T:
    """Run an action that opens its own transactions, and return the action's result.

    The database role comes from DATABASE_URL. With `as_owner`, it comes from
    MIGRATION_DATABASE_URL. With `as_clock` or `reads_only`, it comes from CLOCK_DATABASE_URL or
    REPORTS_DATABASE_URL if this setting exists. No other setting is needed. The process exits with
    status 1 if the action is refused, with status 2 if no such setting exists, and with status 3 if
    the database cannot be used. A command that draws its progress itself sets `shows_progress` to
    false.
    """
    databases = _choose(as_owner=as_owner, as_clock=as_clock, reads_only=reads_only)
    configured = read_settings(*databases)
    setting, url = configured.first(*databases)

    async def run_and_audit() -> T:
        engine = create_engine(url, statement_seconds=None)
        sessions = create_sessions(engine)
        showing = asyncio.create_task(_show_progress()) if shows_progress else None
        try:
            return await action(sessions)
        except texts_of_errors.AUDITED as refusal:
            await _audit_refusal(sessions, refusal)
            raise
        finally:
            if showing is not None:
                showing.cancel()
            await engine.dispose()

    try:
        with correlation.correlated(correlation.new_id(COMMAND_LINE)):
            return asyncio.run(run_and_audit())
    except errors.DomainError as refusal:
        texts = Texts(DEFAULT_LANGUAGE, configured.currency)
        err.print(texts_of_errors.explain(texts, refusal), markup=False)
        sys.exit(REFUSED)
    except Exception as error:
        if not (isinstance(error, DBAPIError) or is_away(error)):
            raise
        err.print(database_problems.explain(error, setting), markup=False)
    sys.exit(NO_DATABASE)


def read_settings(*databases: str, uses: str = "") -> CommandSettings:
    """Return the settings of the environment and of `.env`, or those of the running sandbox.

    `databases` are the names of the settings of which one is needed, and `uses` is one that may be
    missing. Exits with status 2 if all of `databases` are missing, or one of all these is wrong.
    """
    os.environ.update(running_sandbox.find_settings())
    configured = settings.load_for_command(*databases, uses=uses)
    logged = configured
    if err.is_for_a_person and "log_level" not in configured.model_fields_set:
        # A person reads the sentences of the command, and not the log beside them.
        logged = configured.model_copy(update={"log_level": "CRITICAL"})
    logging.setup(logged)
    return configured


def read_all_settings() -> Settings:
    """Return all settings: those of the environment and `.env`, or of the running sandbox.

    Exits with status 2 if a setting is missing or wrong.
    """
    os.environ.update(running_sandbox.find_settings())
    return settings.load()


def _choose(*, as_owner: bool, as_clock: bool, reads_only: bool) -> Sequence[str]:
    """Return the names of the settings with the database's address, the first choice first."""
    if as_owner:
        return ("MIGRATION_DATABASE_URL",)
    if as_clock:
        return ("CLOCK_DATABASE_URL", "DATABASE_URL")
    if reads_only:
        return ("REPORTS_DATABASE_URL", "DATABASE_URL")
    return ("DATABASE_URL",)


async def _show_progress() -> None:
    """Show on a terminal that the command still works, from PROGRESS_SECONDS until the end."""
    if not err.is_for_a_person:
        return
    await asyncio.sleep(PROGRESS_SECONDS)
    with err.status("Still working. Ctrl-C ends this command."):
        await asyncio.Event().wait()


async def _audit_refusal(sessions: Sessions, refusal: errors.DomainError) -> None:
    """Write an `access_denied` audit row in a new transaction, if the command has an actor."""
    actor = _current_actor.get()
    if actor is not None:
        action = refusal.action if isinstance(refusal, errors.AccessDenied) else COMMAND_LINE
        async with sessions.begin() as session:
            await audit.record_denied(session, actor=actor, action=action, error=refusal)


def confirm(question: str) -> None:
    """Ask a person who types at a terminal. Exit with status 1 unless the answer is yes."""
    try:
        if typer.confirm(question):
            return
    except typer.Abort:  # nobody can answer
        err.print()
    err.print("Nothing was changed. A script answers with the option --yes.", markup=False)
    sys.exit(REFUSED)


def request(
    kind: RequestKind,
    arguments: dict[str, Any],
    *,
    reason: str,
    person: int,
    subject: int | None = None,
) -> None:
    """Create a staff request in a person's name, and print what has to happen next.

    Nothing else is done until this person acknowledges the request in the admin chat. `person` and
    `subject` are Telegram ids. `subject` is the person whom the request is about.
    """

    async def create(session: AsyncSession) -> StaffRequest:
        return await staff_requests.create(
            session,
            actor=await staff(session, person),
            kind=kind,
            arguments=arguments,
            reason=reason,
            subject_telegram_id=subject,
            from_shell=True,
        )

    created = run_once(create)
    out.print(f"Request {created.id} waits. {person} has to press “That was me” in the admin chat.")
    if ACTS[created.kind].two_people:
        out.print("After that, a second person has to confirm it there.")
