"""Processes side by side, each with a server and a tree of its own."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, TypeVar

T = TypeVar("T")


class Crew:
    """Hands each order to whichever process is free."""

    def __init__(self, root: Path, scratch: Path, size: int) -> None:
        self.lock = threading.Lock()
        """For what those who share out write together."""
        self._all = [_Worker(root, scratch / str(number)) for number in range(size)]
        self._free: Queue[_Worker] = Queue()
        for worker in self._all:
            worker.hear()
            self._free.put(worker)

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Wait for a free process, and for what it says to an order."""
        worker = self._free.get()
        try:
            worker.tell(order)
            return worker.hear()
        finally:
            self._free.put(worker)

    def share_out(self, act: Callable[[T], None], things: Sequence[T]) -> None:
        """Do something with each thing, as many at once as there are processes.

        Who interrupts it waits for what was begun, not for all that was still to come.
        """
        pool = ThreadPoolExecutor(len(self._all))
        try:
            for done in [pool.submit(act, thing) for thing in things]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def end(self) -> None:
        """Let all stop their servers."""
        for worker in self._all:
            worker.end()


class _Worker:
    def __init__(self, root: Path, scratch: Path) -> None:
        self._errors = (scratch.parent / f"{scratch.name}.err").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.trial", str(root), str(scratch)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
        self._errors.seek(0)
        raise SystemExit(f"a process of the trials ended early:\n{self._errors.read()}")

    def end(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        self._process.wait(timeout=60)
        self._errors.close()
