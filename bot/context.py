"""Define the context of one update: the actor, the texts of the answer, and the transactions."""

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
    """Nothing was changed. The update stays in the inbox and is handled again later."""


class DatabaseAwayError(TryLaterError):
    """PostgreSQL did not answer, or it cancelled a transaction because of a conflict."""


class AlreadyHandledError(Exception):
    """Another process has handled this update meanwhile. This process must commit nothing."""


@asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Turn the errors of a PostgreSQL that is away, and of a conflict, into DatabaseAwayError."""
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
    """The shared objects of a process. Handlers get them with each update and need no globals."""

    sessions: Sessions
    settings: Settings
    storage: FormStorage
    admin_chat_id: int
    """The id of the admin chat. It changes when Telegram turns the group into a supergroup."""


@dataclass
class UpdateResult:
    """The result of handling one row of the inbox."""

    inbox_id: int
    marked: bool = False
    """Whether a transaction of a handler has marked the row done."""
    failure: str | None = None
    """The name of the class of an unexpected error, or another short reason; None for success."""


@dataclass
class RequestContext:
    """The context of one update, as handlers receive it."""

    dependencies: Dependencies
    update_result: UpdateResult
    t: Texts
    person: User | None = None
    identified_actor: Actor | None = None
    act: str = "update"
    """The requested action, for the audit row of a refusal: a command or a button's data prefix."""

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
        """Return the actor. An update without a person has none, and raises LookupError."""
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
        """Open the transaction of a change, which also marks the update as done before it commits.

        A crash after the commit therefore repeats nothing, and a crash before it loses nothing.
        Raises DatabaseAwayError, and AlreadyHandledError if another process marked the update.
        """
        async with database_errors(), self.dependencies.sessions.begin() as session:
            yield session
            if not self.update_result.marked and not await inbox.done(
                session, self.update_result.inbox_id
            ):
                raise AlreadyHandledError
        self.update_result.marked = True

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a read-only transaction for a screen; it does not mark the update."""
        async with read_only(self.dependencies.sessions) as session:
            yield session
