"""Fork schedulers from one process that has already imported all modules.

The process reads commands from stdin and writes reports to stdout, as lines of JSON. At the end of
stdin, the process kills every scheduler.

The commands are:
  {"start": ID, "settings": {...}, "failpoint": {...} or null, "log": PATH}
  {"signal": ID, "number": N}

The reports are:
  {"ready": [POINT, ...], "removal_points": [POINT, ...]}
  {"id": ID, "pid": PID}
  {"id": ID, "reached": POINT}
  {"id": ID, "signal": N or null, "status": N or null, "cpu_seconds": SECONDS}
"""

import gc
import json
import os
import selectors
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from bot import env_file
from sandbox import processes
from scheduler import __main__ as scheduler
from scheduler import warm_up
from tests.chaos import failpoints

Json = dict[str, Any]


class ForkServer:
    """The process that forks all schedulers of a run. It has no threads and no event loop."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}
        """The IDs of the running schedulers, by process id."""
        self._selector = selectors.DefaultSelector()
        self._reports, self._report_writer = os.pipe()
        self._wakeups, self._wakeup_writer = os.pipe()
        os.set_blocking(self._wakeup_writer, False)
        os.set_blocking(self._wakeups, False)
        os.set_blocking(self._reports, False)
        self._buffers: dict[int, bytes] = {}
        for descriptor in (0, self._reports, self._wakeups):
            self._selector.register(descriptor, selectors.EVENT_READ)

    def run(self) -> None:
        """Handle commands and reports until stdin ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup_writer)
        _write({"ready": failpoints.points(), "removal_points": failpoints.removal_points()})
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wakeups:
                    os.read(self._wakeups, 4096)
                    # A scheduler reports its failpoint before it dies. Read this report first.
                    self._read(self._reports)
                    self._reap()
                elif not self._read(key.fd):
                    self._kill_all()
                    return

    def _read(self, descriptor: int) -> bool:
        """Read a pipe, and handle each complete line. Return False at the end of the stream."""
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
            _write(message)
        elif "start" in message:
            self._start(message)
        else:
            # Signal only a process that is not reaped yet. Until then, its id is not used again.
            for pid, scheduler_id in self._children.items():
                if scheduler_id == message["signal"]:
                    os.kill(pid, message["number"])

    def _start(self, command: Json) -> None:
        parent = os.getpid()
        # A fork is safe here, because this process has no threads and no event loop.
        pid = os.fork()
        if pid == 0:
            _run_scheduler(command, self._report_writer, parent)
        self._children[pid] = command["start"]
        _write({"id": command["start"], "pid": pid})

    def _reap(self) -> None:
        while self._children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            killed = os.WIFSIGNALED(status)
            _write(
                {
                    "id": self._children.pop(pid),
                    "signal": os.WTERMSIG(status) if killed else None,
                    "status": None if killed else os.waitstatus_to_exitcode(status),
                    "cpu_seconds": usage.ru_utime + usage.ru_stime,
                }
            )

    def _kill_all(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)


def _write(report: Json) -> None:
    os.write(1, json.dumps(report).encode() + b"\n")


def _run_scheduler(command: Json, report_writer: int, parent: int) -> NoReturn:
    """Run a scheduler in this forked process, and then end the process."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        processes.die_with(parent, signal.SIGKILL)
        _redirect_output(command["log"])
        os.environ.clear()
        os.environ.update(command["settings"] | {env_file.VARIABLE: os.devnull})
        if command["failpoint"] is not None:
            scheduler_id = command["start"]

            def report(point: str) -> None:
                line = json.dumps({"id": scheduler_id, "reached": point}) + "\n"
                os.write(report_writer, line.encode())

            failpoints.arm(failpoints.Failpoint(**command["failpoint"]), report)
        scheduler.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


def _redirect_output(log: str) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # This folder exists for as long as the run.
    os.chdir(Path(log).parent)


def main() -> None:
    """Load the modules that the schedulers need, and then handle commands."""
    # All schedulers share the modules that are loaded here.
    warm_up.build()
    gc.collect()
    gc.freeze()
    ForkServer().run()


if __name__ == "__main__":
    main()
