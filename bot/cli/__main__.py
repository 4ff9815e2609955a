"""Run `adtech` with `python -m bot.cli`."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

STOP_ALL = ["stop", "all"]
INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the number of SIGINT."""
_PERSON = "--as"


def main() -> None:
    """Run the command line. Ctrl-C ends it with INTERRUPTED, also while it loads."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(INTERRUPTED)


def _run() -> None:
    """Run the command line. A plain `adtech stop all` loads little, because it has to be quick."""
    if (asked := _read_stop(sys.argv[1:])) is not None:
        with _loading():
            from bot.cli import stop_all  # noqa: PLC0415 - see above

        try:
            sys.exit(stop_all.run(*asked))
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted. What is stopped now: adtech killswitch list\n")
            sys.exit(INTERRUPTED)
    with _loading():
        from bot.cli import app  # noqa: PLC0415 - it takes a second to load

    app.main()


@contextmanager
def _loading() -> Iterator[None]:
    """End the process at once on Ctrl-C in the `with` block, which only loads modules.

    An exception could be lost there, because Python ignores those in callbacks. A SIGINT that the
    shell ignores stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    sys.stderr.write("Interrupted.\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _read_stop(arguments: Sequence[str]) -> tuple[int, str] | None:
    """Return the person and the reason of `adtech stop all`, or None for any other call.

    None also stands for a call with a mistake or with `--help`, which Typer answers.
    """
    if list(arguments[:2]) != STOP_ALL:
        return None
    rest = [part for each in arguments[2:] for part in _split(each)]
    if rest.count(_PERSON) != 1 or rest[-1] == _PERSON:
        return None
    at = rest.index(_PERSON)
    person, reason = rest[at + 1], rest[:at] + rest[at + 2 :]
    is_plain = len(reason) <= 1 and not any(words.startswith("-") for words in reason)
    if not is_plain or not (person.isascii() and person.isdecimal()):
        return None
    return int(person), "".join(reason)


def _split(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith(f"{_PERSON}=") else [argument]


if __name__ == "__main__":
    main()
