"""Print the rows of a command: as a table for a person, or as CSV or JSON for a program."""

import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import IO, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from bot.names import one_line

BROKEN_PIPE = 141
"""The exit status if the reader of the output ended first: 128 and the number of SIGPIPE."""
UNWRITABLE = 1
"""The exit status if the output cannot be written."""
NARROW = 60
"""A terminal with fewer columns than this shows rows below each other if they do not fit."""
LEAST_COLUMN = 12
"""The least width of a column of a table on a narrow terminal."""
Row = Mapping[str, object]


class Format(StrEnum):
    """The form in which rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


chosen: ContextVar[Format] = ContextVar("chosen_format", default=Format.TABLE)
"""The form that the options `--json` and `--csv` of the running command have chosen."""


class Output(Console):
    """A console that cuts no line, and that ends the process quietly when its reader has ended."""

    def __init__(self, file: IO[str] | None = None, *, stderr: bool = False) -> None:
        super().__init__(file=file, stderr=stderr, soft_wrap=True)

    @property
    def is_for_a_person(self) -> bool:
        """Whether the output goes to a terminal, and not to a file or to another program."""
        return bool(self.file.isatty())

    def on_broken_pipe(self) -> None:
        """End the process with BROKEN_PIPE. Later output of the interpreter is thrown away."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects. Ends the process if they cannot be written (`ends_if_unwritable`)."""
        with self.ends_if_unwritable():
            super().print(*objects, **options)

    def write(self, text: str) -> None:
        """Write a text unchanged: the console adds no colours and no line breaks."""
        with self.ends_if_unwritable():
            self.file.write(text)
            self.file.flush()

    @contextmanager
    def ends_if_unwritable(self) -> Iterator[None]:
        """End the process if the `with` block cannot write, for example to a full disk.

        The exit status is BROKEN_PIPE if the reader has ended, and 1 after any other error, whose
        cause is written to stderr.
        """
        try:
            yield
        except BrokenPipeError:
            self.on_broken_pipe()
        except OSError as error:
            # What is left in the buffer would fail again at the end of the interpreter.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
            if not self.stderr:
                sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
            raise SystemExit(UNWRITABLE) from None


out = Output()
err = Output(stderr=True)


def is_writable(stream: IO[str]) -> bool:
    """Return whether a stream takes what is still in its buffer. A full disk takes nothing."""
    try:
        stream.flush()
    except OSError:
        return False
    return True


def print_rows(columns: Sequence[str], rows: Sequence[Row], console: Output = out) -> None:
    """Print rows in the chosen form.

    `columns` are the keys of each row, in the order of the output. In CSV and JSON, an empty list
    of rows is a header or `[]`. As a table, it is nothing on the console and a sentence on stderr.
    """
    form = chosen.get() if console is out else Format.TABLE
    if form is Format.JSON:
        console.write(_json(columns, rows))
    elif form is Format.CSV:
        _write_csv(console, columns, rows)
    elif not rows:
        err.print("No rows.")
    elif console.is_for_a_person:
        is_narrow = console.width < NARROW and console.width < len(columns) * LEAST_COLUMN
        for table in _records(columns, rows) if is_narrow else [_table(columns, rows)]:
            console.print(table, soft_wrap=False)
    else:
        console.write(_plain(columns, rows))


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        table.add_row(*(escape(_cell(row[name])) for name in columns))
    return table


def _records(columns: Sequence[str], rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a list of names and values for each row. Empty cells are left out."""
    longest = max(map(len, columns))
    for row in rows:
        cells = {name: _cell(row[name]) for name in columns}
        table = Table.grid(Column(min_width=longest), Column(overflow="fold"), padding=(0, 1))
        for name, cell in cells.items():
            if cell:
                table.add_row(name, escape(cell))
        table.add_row("")
        yield table


def say(sentence: str) -> None:
    """Print a sentence that follows a table, unless it is empty.

    It is for people, so CSV and JSON do not have it.
    """
    if sentence and chosen.get() is Format.TABLE:
        out.print(sentence, markup=False)


def _json(columns: Sequence[str], rows: Sequence[Row]) -> str:
    objects = [{name: row[name] for name in columns} for row in rows]
    return json.dumps(objects, default=_simple, ensure_ascii=False, indent=1) + "\n"


def _write_csv(console: Output, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with console.ends_if_unwritable():
        lines = csv.writer(console.file, lineterminator="\n")
        lines.writerow(columns)
        lines.writerows([_csv_cell(row[name]) for name in columns] for row in rows)
        console.file.flush()


def _plain(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Build a table of columns that are as wide as their longest cell, without lines and colour."""
    lines = [list(columns), *([_cell(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return one_line(_csv_cell(value))


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=_simple, ensure_ascii=False)
    return str(_simple(value))


def _simple(value: object) -> Any:
    """Return a value as a type that JSON has: a time in ISO 8601, a whole number as a number."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, int | float | str) else str(value)
