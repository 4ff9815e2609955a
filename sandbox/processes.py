"""Start child processes that never live longer than their parent."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

_ROOT = Path(__file__).parents[1]
_PR_SET_PDEATHSIG = 1
_POLL = 0.02
_LOG_LIMIT = 10_000_000
_LIBC = ctypes.CDLL(None, use_errno=True)

_RUN_MODULE = (
    "import runpy, sys; folder, name = sys.argv[1:3]; sys.path.insert(0, folder);"
    " sys.argv[:3] = [name]; runpy.run_module(name, run_name='__main__', alter_sys=True)"
)


class Child:
    """A process that `spawn` has started."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._process = process

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit status, or None while the process runs.

        After a signal, the status is the negative number of the signal.
        """
        return self._process.poll()

    async def wait(self, limit: float | None = None) -> int | None:
        """Wait until the process has ended, and return its exit status.

        Returns None if the process still runs after `limit` seconds.
        """
        deadline = None if limit is None else time.monotonic() + limit
        while (returncode := self._process.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                return None
            await asyncio.sleep(_POLL)
        return returncode

    def send(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        self._process.send_signal(number)

    async def stop(self, *steps: tuple[int, float]) -> None:
        """Stop the process.

        Each step is a signal and the longest wait in seconds. If the process has not ended after
        the last step, it gets SIGKILL.
        """
        for number, limit in steps:
            self.send(number)
            self.send(signal.SIGCONT)  # a paused process would not react to the signal
            if await self.wait(limit) is not None:
                return
        self.send(signal.SIGKILL)
        await self.wait()


def module(name: str, *arguments: str, root: Path = _ROOT) -> list[str]:
    """Return the Python arguments that run a module of the product in the folder `root`, like `-m`.

    PYTHONPATH, similar variables and the current folder have no effect.
    """
    return ["-I", "-u", "-c", _RUN_MODULE, str(root), name, *arguments]


def spawn(
    argv: Sequence[str | Path],
    *,
    name: str,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    become: Callable[[], None] | None = None,
) -> Child:
    """Start a program, and append its output to the file `log`.

    If this process or the calling thread ends, the program gets the signal `death_signal`.
    Therefore call this function from the main thread. The program has its own process group, so
    Ctrl-C does not reach it. The new process calls `become` to change its user. Raises OSError if
    the program cannot start.
    """
    parent = os.getpid()

    def prepare() -> None:
        if become is not None:
            become()
        # The change of user clears the death signal, so the signal is set after that change.
        die_with(parent, death_signal)

    with _append(log) as output:
        process = subprocess.Popen(
            [str(argument) for argument in argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            umask=0o077,
            preexec_fn=prepare,  # noqa: PLW1509 - prctl must run in the child
        )
    return Child(name, process)


def die_with(parent: int, number: signal.Signals) -> None:
    """Let the kernel send a signal to this process when the process `parent` dies.

    If `parent` is already dead, end this process now. Raises OSError if the kernel refuses.
    """
    if _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def in_folder(folder: Path) -> list[int]:
    """Return the ids of the living processes whose current folder is `folder`."""
    real = folder.resolve()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            if Path(entry.path, "cwd").readlink() == real:
                found.append(int(entry.name))
        except OSError:
            continue  # the process ended, is a zombie, or belongs to another user
    return found


async def until_left(folder: Path, limit: float) -> list[int]:
    """Wait until no process has `folder` as its current folder.

    Returns the ids of the processes that are still there after `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while (left := in_folder(folder)) and time.monotonic() < deadline:  # noqa: ASYNC110 - no event for this
        await asyncio.sleep(_POLL)
    return left


def last_line(log: Path) -> str:
    """Return the last non-blank line of a log, or "" if there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _append(log: Path) -> BinaryIO:
    """Open a log for appending, and first rename a log that is too long."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(f"{log.name}.old"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")
