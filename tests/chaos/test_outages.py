"""Test that the product continues after its processes or servers were killed."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import throttle
from sandbox import processes
from sandbox.demo import launcher, steps
from sandbox.demo.books import INVARIANTS, UNIQUENESS, DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Control, Person, words
from sandbox.demo.scenario import Participants, Scenario, create_participants

pytestmark = pytest.mark.mostly_waits

WALLET = "💰 Wallet"
# The time is long enough for the bot to drop no update of the person.
PRESS_SECONDS = 1.25 * throttle.MINUTE / throttle.PER_MINUTE
"""The time between two acts of the person who presses buttons, in seconds."""
DATA_FOLDERS = ("local/postgres/data", "local/valkey", ".")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outages")


@pytest.fixture(scope="module")
def worlds(folder: Path) -> Iterator[list[launcher.RunningSandbox]]:
    """Yield a list of sandboxes. Only the last one runs."""
    started = [asyncio.run(launcher.start(folder))]
    try:
        yield started
    finally:
        status = asyncio.run(started[-1].stop())
    assert status == 0


@asynccontextmanager
async def run_scenario(world: launcher.RunningSandbox, name: str) -> AsyncIterator[Scenario]:
    """Run a complete use of the product. Assert that exactly one post was published."""
    control = Control.of(world.facts)
    async with control.session:
        cast = await create_participants(control, world.facts, name)
        scenario = Scenario(control, DemoDatabase(world.facts["database_url"]), cast)
        yield scenario
        await scenario.books.check_all(INVARIANTS + UNIQUENESS)
        assert len(await published(scenario.control, cast)) == 1


async def published(control: Control, cast: Participants) -> list[object]:
    """Return every message that was ever published in the channel."""
    messages: list[object] = (await control.get("/published", chat_id=cast.channel.id))["published"]
    return messages


async def test_the_main_job_goes_on_while_valkey_is_dead(
    worlds: list[launcher.RunningSandbox],
) -> None:
    async with run_scenario(worlds[-1], "without Valkey") as scenario:
        await scenario.control.post("/processes/valkey/kill")
        for step in steps.STEPS:
            await step.act(scenario)
        assert "valkey" not in worlds[-1].facts["processes"]
        await scenario.control.post("/processes/valkey/start")


async def test_postgres_is_killed_after_every_other_step_while_somebody_presses_buttons(
    worlds: list[launcher.RunningSandbox],
) -> None:
    async with run_scenario(worlds[-1], "without PostgreSQL") as scenario:
        user = await scenario.control.post("/users", first_name="Passer-by")
        pressed: list[int] = []
        pressing = keep_pressing(Person(scenario.control, user["id"]), pressed)
        task = asyncio.create_task(pressing)
        pids = {worlds[-1].facts["processes"]["postgres"]}
        for number, step in enumerate(steps.STEPS):
            await step.act(scenario)
            if number % 2:
                await scenario.control.post("/processes/postgres/kill")
                await scenario.control.post("/processes/postgres/start")
                pids.add(worlds[-1].facts["processes"]["postgres"])
        assert len(pids) == 1 + len(steps.STEPS) // 2
        assert not task.done()
        task.cancel()
        assert len(pressed) > len(pids)
        # A person who pressed while PostgreSQL was down gets an answer now, and every update was
        # handled.
        person = Person(scenario.control, user["id"])
        menu = await person.say("/start", then="What would you like to do?")
        await person.press(WALLET, on=menu, then="Available: $0.00")
        await scenario.books.until(
            """
            SELECT COUNT(*) AS left_over,
                array_agg((attempts, last_error, payload -> 'callback_query' ->> 'data')) AS why
            FROM inbox WHERE done_at IS NULL
            """,
            so=lambda row: row["left_over"] == 0,
            expected="no update is left, and none was parked",
        )
        await asyncio.gather(task, return_exceptions=True)


async def keep_pressing(person: Person, pressed: list[int]) -> None:
    """Let a person press buttons until the task is cancelled. Add the message ids to `pressed`."""
    path = f"/users/{person.id}"
    while True:
        await person.control.post(f"{path}/send", chat_id=person.id, text="/start")
        await asyncio.sleep(PRESS_SECONDS)
        messages = (await person.chat.read())["messages"]
        menus = [message["message_id"] for message in messages if WALLET in words(message)]
        if menus:
            press = {"message_id": menus[-1], "button": WALLET, "wait": False}
            # The bot may edit this menu at this moment, as the answer to an earlier press.
            with contextlib.suppress(Unexpected):
                await person.control.post(f"{path}/press", chat_id=person.id, **press)
                pressed.append(menus[-1])
        await asyncio.sleep(PRESS_SECONDS)


async def test_money_paid_at_the_moment_of_the_crash_arrives_once(
    worlds: list[launcher.RunningSandbox],
) -> None:
    control = Control.of(worlds[-1].facts)
    database = DemoDatabase(worlds[-1].facts["database_url"])
    async with control.session:
        person = Person(control, (await control.post("/users", first_name="Payer"))["id"])
        menu = await person.say("/start", then="What would you like to do?")
        wallet = await person.press(WALLET, on=menu, then="Available: $0.00")
        await person.press("Top up", on=wallet, then="How much would you like to top up?")
        await person.say("7", then="Pay")
        paid = await control.post(f"/users/{person.id}/pay")
        assert paid["ok"]
        await control.post("/processes/postgres/kill")
        await control.post("/processes/bot/kill")
        await control.post("/processes/postgres/start")
        await control.post("/processes/bot/start")
        await person.chat.shows("$7.00 has arrived in your wallet")
        row = await database.row(
            """
            SELECT w.balance, (SELECT COUNT(*) FROM deposits WHERE user_id = u.id) AS deposits
            FROM users u JOIN wallets w ON w.user_id = u.id AND w.kind = 'user'
            WHERE u.telegram_id = $1
            """,
            person.id,
        )
        assert row == {"balance": 700, "deposits": 1}
        await database.check_all(INVARIANTS)


async def test_a_killed_launcher_takes_everything_down_and_the_story_goes_on(
    worlds: list[launcher.RunningSandbox], folder: Path
) -> None:
    async with run_scenario(worlds[-1], "of the crash") as scenario:
        for step in steps.STEPS[:6]:
            await step.act(scenario)
        worlds[-1].child.send(signal.SIGKILL)
        await worlds[-1].child.wait()
        for name in DATA_FOLDERS:
            assert await processes.until_left(folder / name, 15) == []
        worlds.append(await launcher.start(folder))
        for step in steps.STEPS[6:]:
            await step.act(scenario)
