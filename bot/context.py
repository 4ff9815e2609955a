"""One update: who speaks, in which words to answer, and the transactions to do it in."""

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
    """Nothing was changed; the update stays in the inbox and is handled again later."""


class DatabaseAwayError(TryLaterError):
    """PostgreSQL did not answer, or had to choose between two transactions."""


class AlreadyHandledError(Exception):
    """Another process handled this update in the meantime: nothing of ours may commit."""


@asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Tell a PostgreSQL that is away from any other error. Raises DatabaseAwayError."""
    try:
        yield
    except Exception as error:
        if is_away(error) or is_conflict(error):
            raise DatabaseAwayError from error
        raise


@asynccontextmanager
async def read_only(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a transaction in which the database itself refuses writes."""
    async with database_errors(), sessions.begin() as session:
        await session.connection(execution_options={"postgresql_readonly": True})
        yield session


@dataclass
class Dependencies:
    """What a process works with; it comes with every update, so that handlers have no globals."""

    sessions: Sessions
    settings: Settings
    storage: FormStorage
    admin_chat_id: int
    """Where the staff's group is; it changes when Telegram makes a supergroup of it."""


@dataclass
class UpdateResult:
    """What became of one row of the inbox."""

    inbox_id: int
    marked: bool = False
    """Whether a transaction of a handler has marked the row done."""
    failure: str | None = None
    """The class of an unexpected error."""


@dataclass
class RequestContext:
    """What a handler is given."""

    dependencies: Dependencies
    update_result: UpdateResult
    t: Texts
    person: User | None = None
    identified_actor: Actor | None = None
    act: str = "update"
    """What was asked for, in words of the product: for the audit of a refusal."""

    @property
    def settings(self) -> Settings:
        """The process's settings."""
        return self.dependencies.settings

    @property
    def admin_chat_id(self) -> int:
        """Where the staff's group is now."""
        return self.dependencies.admin_chat_id

    @property
    def actor(self) -> Actor:
        """Who acts. An update without a person has none, and never acts as the clock."""
        if self.identified_actor is None:
            message = "nobody speaks in this update"
            raise LookupError(message)
        return self.identified_actor

    @property
    def user_id(self) -> int:
        """The person's own id in the product."""
        if self.person is None:
            message = "nobody speaks in this update"
            raise LookupError(message)
        return self.person.id

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """Open the transaction of a change; it marks the update done before it commits.

        A crash after the commit then repeats nothing, and one before it loses nothing.
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
        """Open a transaction for a screen; it changes and marks nothing."""
        async with read_only(self.dependencies.sessions) as session:
            yield session
