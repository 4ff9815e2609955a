"""Run `adtech` commands, each in a process of its own.

A server process loads the program once and is forked for each command, because loading takes longer
than most commands.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__, "bot.cli.app"])


@dataclass(frozen=True)
class Answer:
    """The exit status of a command, and everything that it has printed."""

    status: int
    printed: str


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run `adtech` with arguments and environment variables, and wait for its end."""
    with tempfile.NamedTemporaryFile() as output:
        process = _SERVER.Process(
            target=_become_adtech, args=(list(arguments), dict(environment), output.name)
        )
        process.start()
        await asyncio.to_thread(process.join)
        printed = Path(output.name).read_text(errors="replace")  # noqa: ASYNC240 - a local file
    return Answer(process.exitcode or 0, printed)


def _become_adtech(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """Run the program in this process, which is a fork of the server."""
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(written, stream)
    sys.argv = ["adtech", *arguments]
    from bot.cli.__main__ import main  # noqa: PLC0415 - only the forked process needs it

    main()
