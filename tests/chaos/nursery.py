"""Forks schedulers from one process that has imported everything: `python -m tests.chaos.nursery`.

Orders come as JSON lines on stdin, what happens goes as JSON lines to stdout:
  {"start": ID, "environment": {...}, "failpoint": {...} or null, "log": PATH}
  {"signal": ID, "number": N}
  -> {"id": ID, "pid": PID}
  -> {"id": ID, "reached": POINT}
  -> {"id": ID, "signal": N or null, "status": N or null, "cpu": SECONDS}
The last as the operating system reports it.
At the end of stdin every child is killed.
"""

import gc
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from bot import warm_up
from sandbox import processes
from scheduler import __main__ as scheduler
from tests.chaos import failpoints

Json = dict[str, Any]


class Nursery:
    """The parent: no threads and no event loop, so that forking is safe."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._reports, self._reporting = os.pipe()
        self._wake, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        os.set_blocking(self._wake, False)
        os.set_blocking(self._reports, False)
        self._buffers: dict[int, bytes] = {}
        for descriptor in (0, self._reports, self._wake):
            self._selector.register(descriptor, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until stdin ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waking)
        _say({"ready": failpoints.points()})
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wake:
                    os.read(self._wake, 4096)
                    # What it reported before it died, it did before it died.
                    self._hear(self._reports)
                    self._reap()
                elif not self._hear(key.fd):
                    self._end()
                    return

    def _hear(self, descriptor: int) -> bool:
        """Handle the complete lines that have come; False at the end."""
        try:
            chunk = os.read(descriptor, 65536)
        except BlockingIOError:
            return True
        *lines, rest = (self._buffers.get(descriptor, b"") + chunk).split(b"\n")
        self._buffers[descriptor] = rest
        for line in lines:
            self._handle(descriptor, json.loads(line))
        return bool(chunk)

    def _handle(self, descriptor: int, message: Json) -> None:
        if descriptor == self._reports:
            _say(message)
        elif "start" in message:
            self._start(message)
        else:
            # Only one that was not reaped yet: its number is still its own.
            for pid, identity in self._children.items():
                if identity == message["signal"]:
                    os.kill(pid, message["number"])

    def _start(self, order: Json) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(order, self._reporting, parent)
        self._children[pid] = order["start"]
        _say({"id": order["start"], "pid": pid})

    def _reap(self) -> None:
        while self._children:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            killed = os.WIFSIGNALED(status)
            _say(
                {
                    "id": self._children.pop(pid),
                    "signal": os.WTERMSIG(status) if killed else None,
                    "status": None if killed else os.waitstatus_to_exitcode(status),
                    "cpu": used.ru_utime + used.ru_stime,
                }
            )

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)


def _say(message: Json) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _live(order: Json, reporting: int, parent: int) -> NoReturn:
    """The child's life: it is `python -m scheduler` from here."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        processes.die_with(parent, signal.SIGKILL)
        _put_output_into(order["log"])
        os.environ.clear()
        os.environ.update(order["environment"])
        if order["failpoint"] is not None:
            identity = order["start"]

            def report(point: str) -> None:
                line = json.dumps({"id": identity, "reached": point}) + "\n"
                os.write(reporting, line.encode())

            failpoints.arm(failpoints.Failpoint(**order["failpoint"]), report)
        scheduler.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


def _put_output_into(log: str) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # No .env is found here, and the folder exists for as long as the run.
    os.chdir(Path(log).parent)


def main() -> None:
    """Load what the children need, and serve."""
    # Shared by all children.
    warm_up.build()
    gc.collect()
    gc.freeze()
    Nursery().run()


if __name__ == "__main__":
    main()
