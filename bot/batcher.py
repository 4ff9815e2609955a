"""Join concurrent calls into one call."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """An object that does the work of many concurrent callers in batches.

    The first call starts immediately. Calls during a batch share the next batch.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], most: int) -> None:
        """Store the function that does the work.

        `work` gets at most `most` items, and returns one result for each item in the same order.
        """
        self._work = work
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Return the result for one item. Raises what `work` raises for the item's batch."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            items, answers = zip(*batch, strict=True)
            try:
                results = await self._work(items)
            except BaseException as error:  # noqa: BLE001 - no caller may wait for ever
                for answer in answers:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for answer, result in zip(answers, results, strict=True):
                    if not answer.done():
                        answer.set_result(result)
        self._worker = None
