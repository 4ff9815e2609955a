"""Test that only working handlers use slots, and that handlers which go on come first."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from bot import handler_slots
from bot.handler_slots import HandlerSlots


async def run_soon() -> None:
    """Let all other tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


class Handlers:
    """Handlers that note what they do, and wait for Telegram until they are told to go on."""

    def __init__(self, most: int) -> None:
        self.slots = HandlerSlots(most)
        self.notes: list[str] = []
        self.answers: dict[str, asyncio.Event] = {}
        self.ends: dict[str, asyncio.Event] = {}

    def start(self, name: str) -> "asyncio.Task[None]":
        """Start a handler that asks Telegram once."""
        self.answers[name], self.ends[name] = asyncio.Event(), asyncio.Event()
        return asyncio.create_task(self._handle(name))

    async def _handle(self, name: str) -> None:
        async with self.slots.hold():
            self.notes.append(f"{name} begins")
            async with handler_slots.waiting():
                await self.answers[name].wait()
            self.notes.append(f"{name} goes on")
            await self.ends[name].wait()


async def test_a_handler_that_waits_for_telegram_leaves_its_slot() -> None:
    handlers = Handlers(1)
    tasks = [handlers.start(name) for name in "abc"]
    await run_soon()
    assert handlers.notes == ["a begins", "b begins", "c begins"]
    handlers.answers["a"].set()
    await run_soon()
    late = handlers.start("d")
    handlers.answers["c"].set()
    await run_soon()
    assert handlers.notes[3:] == ["a goes on"], "only one handler works at a time"
    handlers.ends["a"].set()
    await run_soon()
    assert handlers.notes[4:] == ["c goes on"], "it goes before a new handler"
    for name in "bcd":
        handlers.answers[name].set()
        handlers.ends[name].set()
    await asyncio.gather(*tasks, late)
    assert handlers.notes[5:7] in (["b goes on", "d begins"], ["d begins", "b goes on"])


async def test_two_calls_at_the_same_time_use_no_slot() -> None:
    slots, free = HandlerSlots(1), []

    async def ask(seconds: float) -> None:
        async with handler_slots.waiting():
            await asyncio.sleep(seconds)

    async def other() -> None:
        async with slots.hold():
            free.append(True)

    async with slots.hold():
        await asyncio.gather(ask(0.01), ask(0.02), other())
        blocked = asyncio.create_task(other())
        await run_soon()
        assert free == [True]
    await blocked
    assert free == [True, True]


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_cancelled_handler_loses_no_slot(*, is_new: bool) -> None:
    handlers = Handlers(1)
    leaving = handlers.start("a")
    await run_soon()
    working = handlers.start("b")
    handlers.start("b")
    handlers.answers["b"].set()
    if is_new:
        leaving = handlers.start("c")
    else:
        handlers.answers["a"].set()
    await run_soon()
    leaving.cancel()
    handlers.answers["b"].set()
    handlers.ends["b"].set()
    await asyncio.wait({leaving, working})
    await run_soon()
    async with asyncio.timeout(1), handlers.slots.hold():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), handlers.slots.hold():
                pass


async def test_code_outside_of_a_handler_needs_no_slot() -> None:
    async with handler_slots.waiting():
        pass


async def _enter(held: AbstractAsyncContextManager[None]) -> None:
    await held.__aenter__()


async def test_a_slot_may_be_given_back_in_another_context() -> None:
    """The end of an event loop closes unfinished handlers outside of their own contexts."""
    slots = HandlerSlots(1)
    held = slots.hold()
    await asyncio.create_task(_enter(held))
    await held.__aexit__(None, None, None)
    async with asyncio.timeout(1), slots.hold():
        pass
