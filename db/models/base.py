"""What all tables share: names of constraints, column kinds and the database's own clock."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Enum, Identity, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The parent of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        str: Text,
        int: BigInteger,
    }


Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
"""A row's own id, given by the database."""

CreatedAt = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.clock(), nullable=False)
]
"""When the row came to be, by the database's `clock()`."""

Txn = Annotated[
    int, mapped_column(BigInteger, server_default=text("ledger_txn()"), nullable=False, index=True)
]
"""Which transaction wrote the row last: a check looks again at what is new by this."""


def enum_column(kind: type[StrEnum]) -> Enum:
    """Store a StrEnum as its literal words; a CHECK, so that a word can be added without a lock."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
