"""Define what a handler gets with an update: the actor, the texts and transactions."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.admin_chat import AdminChat
from bot.settings import Settings
from bot.storage import FormStorage
from bot.texts import Texts
from bot.throttle import Throttle
from db.models.users import User
from db.session import Sessions, is_away, is_conflict, is_read_only
from services.platform import inbox
from services.platform.actors import Actor
from services.platform.guards import CachedComparison

log = structlog.get_logger(__name__)


class TryLaterError(Exception):
    """The handler changed nothing. The bot will handle the update again."""


class DatabaseAwayError(TryLaterError):
    """PostgreSQL did not answer, or a conflict ended a transaction."""


class AlreadyHandledError(Exception):
    """Another process has already handled this update."""


@asynccontextmanager
async def database_errors(*, reads_only: bool = False) -> AsyncIterator[None]:
    """Raise DatabaseAwayError if PostgreSQL is not available or a conflict ends a transaction.

    DatabaseAwayError is also raised if a read-only server refuses a write. If `reads_only` is True,
    the database's own error is raised instead.
    """
    try:
        yield
    except Exception as error:
        if reads_only and is_read_only(error):
            raise
        if is_away(error) or is_conflict(error):
            raise DatabaseAwayError from error
        raise


@asynccontextmanager
async def read_only(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a read-only transaction.

    Raises DatabaseAwayError if PostgreSQL is not available or a conflict ends the transaction.
    """
    async with database_errors(reads_only=True), sessions.begin() as session:
        await session.connection(execution_options={"postgresql_readonly": True})
        yield session


@asynccontextmanager
async def single_read(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session for one SELECT, without the statements that begin and end a transaction.

    Raises DatabaseAwayError if PostgreSQL is not available.
    """
    async with database_errors(reads_only=True), sessions.begin() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        yield session


@dataclass
class Dependencies:
    """The objects that all handlers of a process share."""

    sessions: Sessions
    settings: Settings
    storage: FormStorage
    admin_chat: AdminChat
    intake_sessions: Sessions
    """Sessions for updates and for a new id of the admin chat."""
    throttle: Throttle = field(default_factory=Throttle)
    guards: CachedComparison = field(default_factory=CachedComparison)


@dataclass
class UpdateResult:
    """How the handling of one update in the inbox ended."""

    inbox_id: int
    marked: bool = False
    """True if a committed transaction has marked the update as done."""
    failure: str | None = None
    """The class name of an unexpected error, or another short reason; None without a failure."""


@dataclass
class RequestContext:
    """The actor, the texts and the transactions of one update."""

    dependencies: Dependencies
    update_result: UpdateResult
    t: Texts
    person: User | None = None
    identified_actor: Actor | None = None
    action: str = "update"
    """The name of the requested action, for the audit row about a refusal."""
    is_newcomer: bool = False
    """True if the person has written to the bot for the first time with this update."""

    @property
    def settings(self) -> Settings:
        """Return the settings of the process."""
        return self.dependencies.settings

    @property
    def admin_chat_id(self) -> int:
        """Return the present id of the admin chat."""
        return self.dependencies.admin_chat.id

    def may_be_admin_chat(self, chat_id: int) -> bool:
        """Return whether a chat is the admin chat, or may be the admin chat after a move."""
        admin_chat = self.dependencies.admin_chat
        return chat_id == admin_chat.id or chat_id in admin_chat.unconfirmed_ids

    @property
    def actor(self) -> Actor:
        """Return the person who acts, with the person's roles.

        Raises LookupError if the update comes from no person.
        """
        if self.identified_actor is None:
            message = "this update has no person"
            raise LookupError(message)
        return self.identified_actor

    @property
    def user_id(self) -> int:
        """Return the person's id in the table `users`.

        Raises LookupError if the update comes from no person.
        """
        if self.person is None:
            message = "this update has no person"
            raise LookupError(message)
        return self.person.id

    @property
    def is_tester(self) -> bool:
        """Return whether no report counts what the person does."""
        return self.person is not None and self.person.is_tester

    @contextmanager
    def logged_actor(self) -> Iterator[None]:
        """Add the actor's id and role to the log lines of the `with` block."""
        facts = {}
        if self.identified_actor is not None:
            facts = {"actor_id": self.user_id, "role": _role_name(self.identified_actor)}
        with structlog.contextvars.bound_contextvars(**facts):
            yield

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction, and mark the update as done in it.

        Raises DatabaseAwayError if PostgreSQL is not available or a conflict ends the transaction;
        AlreadyHandledError if another process has marked the update.
        """
        async with database_errors(), self.dependencies.sessions.begin() as session:
            yield session
            if not self.update_result.marked and not await inbox.mark_handled(
                session, self.update_result.inbox_id
            ):
                raise AlreadyHandledError
        self.update_result.marked = True
        with self.logged_actor():
            log.info("Act saved", act=self.action, inbox_id=self.update_result.inbox_id)

    @asynccontextmanager
    async def begin_part(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for one of several parts of an act. It does not mark the update.

        The database asks for the person's press in each part, and a handled update counts no more.
        If the process dies between two parts, the update is handled again, so each part needs an
        idempotency key. Raises DatabaseAwayError if PostgreSQL is not available or a conflict ends
        the transaction.
        """
        async with database_errors(), self.dependencies.sessions.begin() as session:
            yield session

    @asynccontextmanager
    async def read_once(self) -> AsyncIterator[AsyncSession]:
        """Open a session for one SELECT, as cheaply as possible.

        Raises DatabaseAwayError if PostgreSQL is not available.
        """
        async with single_read(self.dependencies.sessions) as session:
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a read-only transaction that does not mark the update as done.

        Raises DatabaseAwayError if PostgreSQL is not available or a conflict ends the transaction.
        """
        async with read_only(self.dependencies.sessions) as session:
            yield session


def _role_name(actor: Actor) -> str:
    if not actor.in_admin_chat:
        return "person"
    return ",".join(sorted(actor.roles)) or "none"
