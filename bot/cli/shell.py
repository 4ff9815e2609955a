"""Run the actions of the `adtech` commands, and print results and errors."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import errors as texts_of_errors
from bot import logging, settings
from bot.names import one_line
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.models.users import RequestKind, StaffRequest
from db.session import Sessions, cause, create_engine, create_sessions, is_away
from services.market import staff_requests
from services.market.staff_acts import ACTS
from services.platform import actors, audit, errors, users
from services.platform.actors import Actor

COMMAND_LINE = "command-line"
T = TypeVar("T")
_current_actor: ContextVar[Actor | None] = ContextVar("current_actor", default=None)
Person = Annotated[int, typer.Option("--as", help="Your Telegram id.")]
out = Console()
err = Console(stderr=True)


async def staff(session: AsyncSession, telegram_id: int) -> Actor:
    """Return the actor with a Telegram id, who has the rights of the admin chat.

    Raises errors.NotFound for an unknown person.
    """
    user = await users.by_telegram_id(session, telegram_id)
    if user is None:
        raise errors.NotFound("user", telegram_id)
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
) -> T:
    """Run an action that opens its own transactions, and return the action's result.

    The database role comes from DATABASE_URL. With `as_owner`, it comes from
    MIGRATION_DATABASE_URL. With `as_clock` or `reads_only`, it comes from CLOCK_DATABASE_URL or
    REPORTS_DATABASE_URL if this setting exists. No other setting is needed. The process exits with
    status 1 if the action is refused or the database does not answer, and with status 2 if no such
    setting exists.
    """
    databases = ["DATABASE_URL"]
    if as_owner:
        databases = ["MIGRATION_DATABASE_URL"]
    elif as_clock:
        databases.insert(0, "CLOCK_DATABASE_URL")
    elif reads_only:
        databases.insert(0, "REPORTS_DATABASE_URL")
    configured = settings.load_for_command(*databases)
    logging.setup(configured)
    url = configured.first(*databases)

    async def run_and_audit() -> T:
        engine = create_engine(url)
        sessions = create_sessions(engine)
        try:
            return await action(sessions)
        except texts_of_errors.AUDITED as refusal:
            await _audit_refusal(sessions, refusal)
            raise
        finally:
            await engine.dispose()

    actors.correlation_id.set(COMMAND_LINE)
    try:
        return asyncio.run(run_and_audit())
    except errors.DomainError as refusal:
        texts = Texts(DEFAULT_LANGUAGE, configured.currency)
        err.print(texts_of_errors.explain(texts, refusal), markup=False)
    except Exception as error:
        if not (isinstance(error, DBAPIError) or is_away(error)):
            raise
        err.print(f"The database did not answer: {cause(error)}", markup=False, soft_wrap=True)
    sys.exit(1)


async def _audit_refusal(sessions: Sessions, refusal: errors.DomainError) -> None:
    """Write an `access_denied` audit row in a new transaction, if the command has an actor."""
    actor = _current_actor.get()
    if actor is not None:
        action = refusal.action if isinstance(refusal, errors.AccessDenied) else COMMAND_LINE
        async with sessions.begin() as session:
            await audit.record_denied(session, actor=actor, action=action, error=refusal)


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


def print_rows(rows: list[dict[str, object]], console: Console) -> None:
    """Print rows as a table, or `No rows.` The header is the keys of the first row."""
    if not rows:
        console.print("No rows.")
        return
    table = Table(*(Column(name, overflow="fold") for name in rows[0]))
    for row in rows:
        table.add_row(*(escape(one_line(str(value))) for value in row.values()))
    console.print(table)
