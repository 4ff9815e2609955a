"""Define what all tables share: the base class, the names of constraints and the column types."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Enum, Identity, Index, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base class of all tables."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        str: Text,
        int: BigInteger,
    }


Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
"""The id of a row, which the database generates."""

CreatedAt = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.clock(), nullable=False)
]
"""The time of the insert, from the database function `clock()`."""

Txn = Annotated[
    int, mapped_column(BigInteger, server_default=text("ledger_txn()"), nullable=False, index=True)
]
"""The number of the transaction that last wrote the row."""

CorrelationId = Annotated[
    str | None,
    mapped_column(
        Text, server_default=text("nullif(current_setting('adtech.correlation_id', true), '')")
    ),
]
"""The id of the update, command or tick that wrote the row, or null (`db/correlation.py`)."""


def correlation_index(table: str) -> Index:
    """Return the index with which `adtech trace` finds the rows of an id (`CorrelationId`)."""
    # Ids are random, and are only compared for equality: a hash index is cheaper to extend.
    return Index(f"ix_{table}_correlation_id", "correlation_id", postgresql_using="hash")


def enum_column(kind: type[StrEnum], name: str | None = None) -> Enum:
    """Return a column type that stores the values of a StrEnum as text, with a CHECK constraint.

    `name` is the name of the constraint. A second column of a table with the same StrEnum needs it.
    """
    # A new value of a CHECK constraint can be added without a lock; an enum type cannot do this.
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name or kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
