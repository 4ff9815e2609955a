"""Calls that arrive during a run share the next run."""

import asyncio
from collections.abc import Sequence

import pytest

from scheduler.together import Together


class Doubling:
    """A function that doubles numbers and records the batches of its calls."""

    def __init__(self) -> None:
        self.goes: list[list[int]] = []
        self.gate = asyncio.Event()

    async def work(self, numbers: Sequence[int]) -> list[int]:
        """Double one batch."""
        self.goes.append(list(numbers))
        await self.gate.wait()
        if 13 in numbers:
            raise ValueError("not this one")
        return [2 * number for number in numbers]


async def test_calls_during_a_run_share_the_next_run() -> None:
    doubling = Doubling()
    together: Together[int, int] = Together(doubling.work, most=3)
    callers = [asyncio.create_task(together(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.create_task(together(6))
    doubling.gate.set()
    assert await asyncio.gather(*callers, late) == [0, 2, 4, 6, 8, 10, 12]
    assert doubling.goes == [[0, 1, 2], [3, 4, 5], [6]]
    assert await together(7) == 14


async def test_an_error_reaches_every_call_of_the_same_run() -> None:
    doubling = Doubling()
    doubling.gate.set()
    together: Together[int, int] = Together(doubling.work, most=2)
    results = await asyncio.gather(*(together(n) for n in (13, 1, 2)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError, int]
    with pytest.raises(ValueError, match="not this one"):
        await together(13)
    assert await together(3) == 6


async def test_a_cancelled_call_cancels_no_other() -> None:
    doubling = Doubling()
    together: Together[int, int] = Together(doubling.work, most=3)
    leaving, staying = (asyncio.create_task(together(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    doubling.gate.set()
    assert await staying == 4
