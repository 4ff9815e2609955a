"""Test that calls which arrive during a batch share the next batch."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.batcher import Batcher


class Doubling:
    """A function for batches that doubles numbers and records each batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def work(self, numbers: Sequence[int]) -> list[int]:
        """Wait for the gate, and return the doubled numbers, or raise ValueError for 13."""
        self.batches.append(list(numbers))
        await self.gate.wait()
        if 13 in numbers:
            raise ValueError("not this one")
        return [2 * number for number in numbers]


async def test_calls_during_a_batch_share_the_next_one() -> None:
    doubling = Doubling()
    batcher: Batcher[int, int] = Batcher(doubling.work, most=3)
    callers = [asyncio.create_task(batcher(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.create_task(batcher(6))
    doubling.gate.set()
    assert await asyncio.gather(*callers, late) == [0, 2, 4, 6, 8, 10, 12]
    assert doubling.batches == [[0, 1, 2], [3, 4, 5], [6]]
    assert await batcher(7) == 14


async def test_an_error_reaches_every_caller_of_its_batch() -> None:
    doubling = Doubling()
    doubling.gate.set()
    batcher: Batcher[int, int] = Batcher(doubling.work, most=2)
    results = await asyncio.gather(*(batcher(n) for n in (13, 1, 2)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError, int]
    with pytest.raises(ValueError, match="not this one"):
        await batcher(13)
    assert await batcher(3) == 6


async def test_a_cancelled_caller_cancels_no_other() -> None:
    doubling = Doubling()
    batcher: Batcher[int, int] = Batcher(doubling.work, most=3)
    leaving, staying = (asyncio.create_task(batcher(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    doubling.gate.set()
    assert await staying == 4
