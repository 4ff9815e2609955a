"""Define the context of one update, which gives a handler the actor, the texts and transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from bot.settings import Settings
from bot.storage import FormStorage
from bot.texts import Texts
from db.models.users import User
from db.session import Sessions, is_away, is_conflict
from services.platform import inbox
from services.platform.actors import Actor


class TryLaterError(Exception):
    """The handler changed nothing, and the update stays in the inbox to be handled again later."""


class DatabaseAwayError(TryLaterError):
    """PostgreSQL did not answer, or it cancelled a transaction because of a conflict."""


class AlreadyHandledError(Exception):
    """Another process has handled this update, and therefore this process must commit nothing."""


@asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Raise DatabaseAwayError if PostgreSQL is not available or a conflict ends a transaction."""
    try:
        yield
    except Exception as error:
        if is_away(error) or is_conflict(error):
            raise DatabaseAwayError from error
        raise


@asynccontextmanager
async def read_only(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a read-only transaction, in which the database refuses writes.

    Raises DatabaseAwayError.
    """
    async with database_errors(), sessions.begin() as session:
        await session.connection(execution_options={"postgresql_readonly": True})
        yield session


@dataclass
class Dependencies:
    """Hold the shared objects of a process. Each handler receives them, so it needs no globals."""

    sessions: Sessions
    settings: Settings
    storage: FormStorage
    admin_chat_id: int
    """The id of the admin chat. The id changes if Telegram turns the group into a supergroup."""


@dataclass
class UpdateResult:
    """Tell the inbox worker how the handling of one inbox row ended."""

    inbox_id: int
    marked: bool = False
    """True if a transaction of a handler has marked the row as done."""
    failure: str | None = None
    """The class name of an unexpected error, or another short reason. None means success."""


@dataclass
class RequestContext:
    """Give a handler what it needs for one update: the actor, the texts and the transactions."""

    dependencies: Dependencies
    update_result: UpdateResult
    t: Texts
    person: User | None = None
    identified_actor: Actor | None = None
    action: str = "update"
    """The requested action, which is a command or a button's data prefix. A refusal's audit row
    stores this action."""

    @property
    def settings(self) -> Settings:
        """Return the settings of the process."""
        return self.dependencies.settings

    @property
    def admin_chat_id(self) -> int:
        """Return the current id of the admin chat."""
        return self.dependencies.admin_chat_id

    @property
    def actor(self) -> Actor:
        """Return the actor. Raises LookupError for an update without a person."""
        if self.identified_actor is None:
            message = "this update has no person"
            raise LookupError(message)
        return self.identified_actor

    @property
    def user_id(self) -> int:
        """Return the id of the person's row. Raises LookupError for an update without a person."""
        if self.person is None:
            message = "this update has no person"
            raise LookupError(message)
        return self.person.id

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Open the transaction of a change, and mark the update as done in the same transaction.

        A crash after the commit therefore repeats nothing, and a crash before the commit loses
        nothing.
        Raises DatabaseAwayError, and AlreadyHandledError if another process marked the update.
        """
        async with database_errors(), self.dependencies.sessions.begin() as session:
            yield session
            if not self.update_result.marked and not await inbox.mark_handled(
                session, self.update_result.inbox_id
            ):
                raise AlreadyHandledError
        self.update_result.marked = True

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a read-only transaction for a screen, and do not mark the update as done."""
        async with read_only(self.dependencies.sessions) as session:
            yield session
