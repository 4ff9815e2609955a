"""Create database engines and sessions, and classify the errors of the database."""

import asyncio
import contextlib
import uuid
from functools import lru_cache
from typing import Any

from asyncpg import InternalClientError
from asyncpg.exceptions import (
    ClientConfigurationError,
    PostgresError,
    ProtocolViolationError,
    TargetServerAttributeNotMatched,
)
from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from db import address, correlation, failures

POOL_SIZE = 32
"""The usual largest number of connections in the pool."""
# There is no overflow, because an overflow connection is closed after each use. A new connection
# costs more than a transaction. With overflow, 32 concurrent approvals ran at a quarter of the rate
# of 8 concurrent approvals.
POOL_WAIT_SECONDS = 10
DISPOSE_SECONDS = 3.0
"""A process that stops waits at most this time for the end of its connections."""
STATEMENT_SECONDS = 20.0
"""A statement whose answer takes longer ends with TimeoutError.

The limits of the database roles end statements too. But only this limit also works if the network
swallows what the server answers.
"""
READ_ONLY_STATE = "25006"
"""The SQLSTATE of a write that a read-only transaction or server refuses."""
AWAY_STATES = ("08", "57P", "53", "58", READ_ONLY_STATE)
"""The SQLSTATE prefixes of errors after which any other statement would fail too."""
BAD_DATA_STATES = ("22", "23", "54")
"""The SQLSTATE prefixes of a wrong value, a violated constraint, and a value that is too large."""
TIMEOUT_STATES = ("55P03", "57014", "25P04")
"""The SQLSTATEs of a lock, a statement and a transaction that took too long."""
CONFLICT_STATES = ("40001", "40P01", "55P03", "25P04", "57014", "AD072")
"""The SQLSTATEs of conflicts: a serialization failure, a deadlock, a time limit, a stopped switch.

The services read a switch themselves. AD072 means that it was stopped after they had read it.
"""

_NO_DATABASE = "3D000"
FAILURE_KINDS = {
    "53100": "disk_full",
    READ_ONLY_STATE: "read_only",
    "53300": "no_connection",
    _NO_DATABASE: "missing",
}
"""The SQLSTATEs of a full disk, a read-only server, and a server without a free connection."""
OTHER_FAILURE = "other"
REFUSED_STATES = ("28", "3D")
"""The SQLSTATE prefixes of a refused user name, password or database name."""
NO_SOCKET = "no server listens: the socket that the address names is gone"
# A file of the address is missing, or no host is suitable.
_NO_SERVER = (ClientConfigurationError, TargetServerAttributeNotMatched)
_SPEAKING = (PostgresError, OSError, *_NO_SERVER)
POOLER = "pooler"
"""The key in the facts of a connection of the pool: whether a pooler stands before the server."""
_UNSUPPORTED = "unsupported startup parameter"
"""A part of PgBouncer's message if it refuses a session setting."""
SESSION_SETTINGS = {"timezone": "UTC", "jit": "off"}

Sessions = async_sessionmaker[AsyncSession]


def create_engine(
    url: str,
    *,
    pool_size: int = POOL_SIZE,
    statement_seconds: float | None = STATEMENT_SECONDS,
) -> AsyncEngine:
    """Create an engine with a pool of connections and the isolation level READ COMMITTED.

    `pool_size` is the largest number of connections. `statement_seconds` limits the time of each
    statement, or is None for no limit. After a statement that takes longer, all connections of the
    pool are replaced. Variables and files of PostgreSQL's own clients are ignored. Raises
    ValueError if the URL cannot be read.
    """
    address.ignore_libpq_settings()
    parsed = address.parse(url)
    engine = create_async_engine(
        "postgresql+asyncpg://",
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=POOL_WAIT_SECONDS,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args=parsed.connect_arguments()
        | {"command_timeout": statement_seconds, "connection_class": correlation.Connection},
    )
    connector = _Connector(pooled=parsed.pooled)
    event.listen(engine.sync_engine, "do_connect", connector.prepare)
    event.listen(engine.sync_engine, "begin", connector.begin)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "handle_error", _count_conflict)
    return engine


class _Connector:
    def __init__(self, *, pooled: bool) -> None:
        self._pooled = pooled
        self._is_known = pooled

    def prepare(self, dialect: Any, record: Any, _args: object, options: Any) -> None:
        """Add the options that a new connection needs, before the driver opens the connection."""
        direct = {"server_settings": options["server_settings"] | SESSION_SETTINGS}
        if not self._is_known:
            self._pooled = self._refuses_settings(dialect, options | direct)
            self._is_known = True
        if record is not None:
            record.info[POOLER] = self._pooled
        # A pooler can give each transaction another connection to the server.
        pooled = {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__{uuid.uuid4()}__",
        }
        options.update(pooled if self._pooled else direct)

    @staticmethod
    def _refuses_settings(dialect: Any, options: Any) -> bool:
        """Return whether a pooler refuses the session settings, after a test connection."""
        try:
            dialect.connect(**options).close()
        except dialect.loaded_dbapi.Error as error:
            if isinstance(error.__cause__, ProtocolViolationError) and _UNSUPPORTED in str(error):
                return True
            raise
        return False

    def begin(self, connection: Connection) -> None:
        """Set SESSION_SETTINGS for the new transaction if there is a pooler."""
        if self._pooled:
            values = ", ".join(
                f"set_config('{name}', '{value}', true)" for name, value in SESSION_SETTINGS.items()
            )
            connection.exec_driver_sql(f"SELECT {values}")


def is_away(error: BaseException) -> bool:
    """Return whether PostgreSQL is not available or a connection broke.

    A server that refuses the login or is read-only counts as not available.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(inner) for inner in error.exceptions)
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and isinstance(_root(error), _NO_SERVER):
        return True
    if isinstance(error, DBAPIError):
        # The driver raises InternalClientError if the server ended the session during a statement.
        out_of_step = isinstance(getattr(error.orig, "__cause__", None), InternalClientError)
        if error.connection_invalidated or out_of_step:
            return True
    return sqlstate(error).startswith((*AWAY_STATES, *REFUSED_STATES))


def is_refused(error: BaseException) -> bool:
    """Return whether the server refuses the user name, the password or the database name."""
    return sqlstate(_root(error)).startswith(REFUSED_STATES)


def is_missing(error: BaseException) -> bool:
    """Return whether the server has no database of the requested name."""
    return sqlstate(_root(error)) == _NO_DATABASE


def cause(error: BaseException) -> str:
    """Return the cause of a database error in one line, without passwords and statements."""
    root = _root(error)
    if isinstance(root, FileNotFoundError) and root.filename is None:
        return NO_SOCKET  # Python's own words read as if a file of the product were missing
    words = " ".join(str(root).split()) if isinstance(root, _SPEAKING) else ""
    return f"{type(root).__name__}: {words}" if words else type(root).__name__


def _root(error: BaseException) -> BaseException:
    """Return the first error of the driver or of the system in a chain of causes."""
    seen = {id(error)}  # an error that is raised again may be its own cause
    while not isinstance(error, _SPEAKING):
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        if inner is None or id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    return error


def is_conflict(error: BaseException) -> bool:
    """Return whether a transaction failed because of a conflict or a time limit."""
    return sqlstate(error).startswith(CONFLICT_STATES)


def is_timeout(error: BaseException) -> bool:
    """Return whether a time limit ended a statement or a transaction."""
    return sqlstate(error).startswith(TIMEOUT_STATES)


def is_read_only(error: BaseException) -> bool:
    """Return whether a write was refused because the transaction or the server is read-only."""
    return sqlstate(error) == READ_ONLY_STATE


def failure_kind(error: BaseException) -> str:
    """Return why the database does not work: a value of FAILURE_KINDS, or OTHER_FAILURE."""
    return FAILURE_KINDS.get(sqlstate(_root(error)), OTHER_FAILURE)


def is_bad_data(error: DBAPIError) -> bool:
    """Return whether the database or its driver refused a value for good."""
    refused_by_driver = isinstance(getattr(error.orig, "__cause__", None), ValueError)
    return refused_by_driver or sqlstate(error).startswith(BAD_DATA_STATES)


def detail(error: DBAPIError) -> str:
    """Return the DETAIL of a database error, or an empty string."""
    return getattr(getattr(error.orig, "__cause__", None), "detail", None) or ""


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of a database error, or the text "None"."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None))


def _count_conflict(context: ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    if error is not None and is_conflict(error):
        failures.count_conflict(sqlstate(error))


async def dispose(engine: AsyncEngine) -> None:
    """Close all connections of an engine, but take at most DISPOSE_SECONDS.

    A connection whose answers the network swallows cannot be closed in an orderly way.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISPOSE_SECONDS):
            await engine.dispose()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    # The driver knows this from the socket. A ping would cost three round trips.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@lru_cache(maxsize=8)
def without_transactions(sessions: Sessions) -> AsyncEngine:
    """Return the engine of `sessions` for statements without BEGIN and COMMIT. It has the pool."""
    engine: AsyncEngine = sessions.kw["bind"]
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Return a factory of sessions whose objects can still be read after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
