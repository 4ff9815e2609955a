"""Run the tests of several mutants at the same time, in several processes."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import LifoQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Pool:
    """The processes that test mutants."""

    def __init__(self, root: Path, scratch: Path, size: int) -> None:
        self.lock = threading.Lock()
        """The lock for data that several threads of `run_all` change."""
        self._runners = [_Runner(root, scratch / str(number)) for number in range(size)]
        # The process that was used last has the database of the last mutant.
        self._free: LifoQueue[_Runner] = LifoQueue()
        for runner in self._runners:
            runner.receive()
            self._free.put(runner)

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Wait for a free process, run a command there, and return the answer."""
        runner = self._free.get()
        try:
            runner.send(command)
            return runner.receive()
        finally:
            self._free.put(runner)

    def run_all(self, act: Callable[[T], None], items: Sequence[T]) -> None:
        """Call a function with each item, with one thread for each process.

        If a call fails, running calls still end, and no other call begins.
        """
        threads = ThreadPoolExecutor(len(self._runners))
        try:
            for future in [threads.submit(act, item) for item in items]:
                future.result()
        finally:
            threads.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Stop all processes and their servers."""
        for runner in self._runners:
            runner.stop()


class _Runner:
    def __init__(self, root: Path, scratch: Path) -> None:
        self._errors = (scratch.parent / f"{scratch.name}.err").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.runner", str(root), str(scratch)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def send(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        self._errors.seek(0)
        raise SystemExit(f"a runner ended early:\n{self._errors.read()}")

    def stop(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the runner has ended already
            self._process.stdin.close()
        self._process.wait(timeout=60)
        self._errors.close()
