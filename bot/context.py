"""Define what a handler gets with an update: the actor, the texts and transactions."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import handler_slots
from bot.admin_chat import AdminChat
from bot.batcher import Batcher
from bot.settings import Settings
from bot.storage import FormStorage
from bot.texts import Texts
from bot.throttle import Throttle
from db import quick_reads
from db.models.users import Role, User
from db.session import Sessions, is_away, is_conflict, is_read_only, without_transactions
from services.platform import inbox, users
from services.platform.actors import Actor
from services.platform.guards import CachedComparison

log = structlog.get_logger(__name__)

PEOPLE_AT_ONCE = 50
"""The largest number of people that one statement reads."""
Person = tuple[User, frozenset[Role]]
"""A user with the user's staff roles."""


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
async def quick_read(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session for SELECTs that need no transaction.

    Each of them sees what is committed when it begins, as in a transaction (READ COMMITTED).
    Raises DatabaseAwayError if PostgreSQL is not available.
    """
    session = quick_reads.open_session(sessions, without_transactions(sessions))
    async with database_errors(reads_only=True), session:
        yield session


@asynccontextmanager
async def single_write(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session for one statement, which PostgreSQL commits by itself.

    Raises DatabaseAwayError if PostgreSQL is not available or a conflict ends the statement.
    """
    async with database_errors(), sessions(bind=without_transactions(sessions)) as session:
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

    def __post_init__(self) -> None:
        """Let updates that are handled at the same time read their people together."""
        self._people: Batcher[int, Person | None] = Batcher(self._find_people, PEOPLE_AT_ONCE)

    async def find_person(self, telegram_id: int) -> Person | None:
        """Return the user with this Telegram id and the user's present staff roles, or None.

        A blocked user has no roles. Raises DatabaseAwayError.
        """
        try:
            # The statement is shared, so more handlers than slots can wait for it.
            async with handler_slots.waiting():
                return await self._people(telegram_id)
        except DBAPIError:
            # Another id of the same statement may be one that PostgreSQL cannot read.
            [found] = await self._find_people([telegram_id])
            return found

    async def _find_people(self, telegram_ids: Sequence[int]) -> Sequence[Person | None]:
        async with quick_read(self.sessions) as session:
            found = await users.find_with_roles(session, telegram_ids)
        return [found.get(telegram_id) for telegram_id in telegram_ids]


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
    async def begin(self, *, marks: bool = True) -> AsyncIterator[AsyncSession]:
        """Open a transaction, and mark the update as done in it.

        Without `marks`, the update stays open for another transaction, and after a crash the whole
        update is handled again. Raises DatabaseAwayError if PostgreSQL is not available or a
        conflict ends the transaction; AlreadyHandledError if another process has marked the update.
        """
        async with database_errors(), self.dependencies.sessions.begin() as session:
            yield session
            is_open = marks and not self.update_result.marked
            if is_open and not await inbox.mark_handled(session, self.update_result.inbox_id):
                raise AlreadyHandledError
        self.update_result.marked |= marks
        with self.logged_actor():
            log.info("Act saved", act=self.action, inbox_id=self.update_result.inbox_id)

    @asynccontextmanager
    async def read_quickly(self) -> AsyncIterator[AsyncSession]:
        """Open a session for SELECTs, as cheaply as possible.

        Raises DatabaseAwayError if PostgreSQL is not available.
        """
        async with quick_read(self.dependencies.sessions) as session:
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
