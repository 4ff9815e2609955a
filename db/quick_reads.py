"""Run a SELECT through the driver alone: a third of the CPU time of a session of SQLAlchemy.

Each constant of the statement stands in its text, so that PostgreSQL keeps one plan for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Column, Numeric, Select, TextualSelect
from sqlalchemy import inspect as inspect_class
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import IteratorResult, Result, SimpleResultMetaData
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.sql.visitors import cloned_traverse
from sqlalchemy.util import greenlet_spawn

from db.session import POOLER, Sessions

_Read = Select[*tuple[Any, ...]] | TextualSelect
Convert = Callable[[Any], Any] | None


class QuickSession(AsyncSession):
    """A session outside of a transaction, which reads.

    It runs a SELECT that gets its values as parameters through the driver alone. Such a statement
    is a constant of its module. Its entities are new objects, which belong to no session.
    Anything else, and any statement through a pooler, runs as in every session.
    """

    async def __aexit__(self, *error: object) -> None:
        """Close the session if a statement ran in the usual way."""
        if self.in_transaction():
            await self.close()

    async def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Run a statement, and return its rows."""
        if params and not options and isinstance(statement, Select | TextualSelect):
            rows = await _read(self.bind, statement, params)  # type: ignore[arg-type]  # an AsyncEngine
            if rows is not None:
                return rows
            # A read may be repeated. The usual way has the error classes that callers know.
        return await super().execute(statement, params, **options)

    async def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Run a statement, and return the first value of its first row, or None."""
        return (await self.execute(statement, params, **options)).scalar()

    async def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Run a statement, and return the first value of each row."""
        return (await self.execute(statement, params, **options)).scalars()


def open_session(sessions: Sessions, engine: AsyncEngine) -> QuickSession:
    """Return a session that reads, with the options of `sessions`.

    `engine` runs each statement without a transaction.
    """
    return QuickSession(**sessions.kw | {"bind": engine})


async def _read(engine: AsyncEngine, statement: _Read, params: Mapping[str, Any]) -> Any:
    """Return the rows of a statement, or None if it has to run in the usual way.

    Raises TimeoutError, and what a pool without a free connection raises.
    """
    read = _prepared(statement, params, engine.dialect)
    if read is None:
        return None
    pool = engine.sync_engine.pool
    try:
        pooled = await greenlet_spawn(pool.connect)
    except engine.dialect.loaded_dbapi.Error:
        return None
    connection: Any = pooled.driver_connection
    if pooled.info.get(POOLER):
        # The driver prepares a statement first. The pooler can then change the server.
        await greenlet_spawn(pooled.close)
        return None
    try:
        records = await connection.fetch(read.text, *read.arguments(params))
    except TimeoutError as error:
        # As in the usual way, this replaces the other connections too: the network may be silent.
        await greenlet_spawn(pool._invalidate, pooled, error)  # noqa: SLF001 - no public way
        raise
    except BaseException as error:
        await greenlet_spawn(pooled.invalidate)
        if not isinstance(error, Exception):
            raise
        return None
    await greenlet_spawn(pooled.close)
    return read.result(records)


_reads: WeakKeyDictionary[_Read, "_PreparedRead | None"] = WeakKeyDictionary()


def _prepared(
    statement: _Read, params: Mapping[str, Any], dialect: Dialect
) -> "_PreparedRead | None":
    """Return how a statement is read, or None if only SQLAlchemy can convert its values."""
    if statement not in _reads:
        try:
            _reads[statement] = _PreparedRead(statement, params, dialect)
        except CompileError:
            _reads[statement] = None
    return _reads[statement]


class _PreparedRead:
    """The text of a statement for the driver, and how its rows are read.

    Raises CompileError if only SQLAlchemy can read the statement.
    """

    def __init__(self, statement: _Read, params: Mapping[str, Any], dialect: Dialect) -> None:
        def put_into_text(bind: BindParameter[Any]) -> None:
            bind.literal_execute = bind.key not in params

        told = cloned_traverse(statement.params(params), {}, {"bindparam": put_into_text})
        compiled: Any = told.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text: str = compiled.string
        # SQLAlchemy has no public way to the converters of its types.
        self._arguments: list[tuple[str, Convert]] = [
            (name, compiled._bind_processors.get(name))  # noqa: SLF001 - see above
            for name in compiled.positiontup
        ]
        columns = compiled._result_columns  # noqa: SLF001 - see above
        if any(isinstance(each.type, Numeric) for each in columns):
            raise CompileError("SQLAlchemy reads numbers with decimals by what the server says")
        converters = [
            each.type._cached_result_processor(dialect, None)  # noqa: SLF001 - see above
            for each in columns
        ]
        self._converters = [(place, each) for place, each in enumerate(converters) if each]
        self._entities: list[tuple[int, int, type[Any], list[str]]] = []
        self._metadata = SimpleResultMetaData(self._find_entities(statement, columns))

    def _find_entities(self, statement: _Read, columns: Sequence[Any]) -> list[str]:
        """Note which columns are one entity, and return the names of a row's values."""
        if isinstance(statement, TextualSelect):
            return [column.keyname for column in columns]
        keys, place = [], 0
        for described in statement.column_descriptions:
            entity = described["expr"]
            if isinstance(entity, type):
                size = len(inspect_class(entity).column_attrs)
                own = [
                    next(each for each in column.objects if isinstance(each, Column)).key
                    for column in columns[place : place + size]
                ]
                self._entities.append((place, size, entity, own))
                keys.append(entity.__name__)
                place += size
            else:
                keys.append(columns[place].keyname)
                place += 1
        if place != len(columns):
            raise CompileError("an entity has other columns than its table")
        self._entities.reverse()
        return keys

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """Return the values of the parameters, as the driver takes them."""
        return [
            params[name] if convert is None else convert(params[name])
            for name, convert in self._arguments
        ]

    def result(self, records: Sequence[Any]) -> Result[Any]:
        """Return the rows that the driver has read."""
        return IteratorResult(self._metadata, iter([self._row(record) for record in records]))

    def _row(self, record: Any) -> tuple[Any, ...]:
        values = list(record)
        for place, convert in self._converters:
            values[place] = convert(values[place])
        for place, size, entity, keys in self._entities:
            own = values[place : place + size]
            # The first column of each table is its key, which is NULL if an outer join has no row.
            found = None if own[0] is None else entity(**dict(zip(keys, own, strict=True)))
            values[place : place + size] = [found]
        return tuple(values)
