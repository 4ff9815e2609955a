"""Let people pay, write and press buttons while a server refuses work."""

import asyncio
import contextlib
import itertools
import random
from dataclasses import dataclass, field

import aiohttp

from bot import throttle
from db.money import STARS
from sandbox.demo.people import words
from services.money import invoices
from services.platform import lanes
from tests.chaos.environment import Environment, wait_until
from tests.chaos.market import PRICE, Market
from tests.chaos.owners import DATABASE_ERRORS

WALLET = "💰 Wallet"
PRESS_SECONDS = 1.25 * throttle.MINUTE / throttle.PER_MINUTE
"""The time between two acts of a visitor, in seconds. Nobody is throttled."""
VISITORS = 4
PAYERS = 12
"""How many payments the bot accepts right before each fault, and Telegram makes during it."""
LATE_PAYERS = 3
"""How many people try to pay during each fault."""
ACCEPT_SECONDS = 10.0
"""How long Telegram waits until the bot accepts a payment, in seconds."""
KNOWN_SECONDS = 60.0
POST_SECONDS = 5.0
"""The time between two posts that become due during a fault, in seconds."""
MAKE_DUE = """
    UPDATE post_jobs SET due_at = now() + make_interval(secs => $1 * place.n)
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM post_jobs
          WHERE due_at = 'infinity' ORDER BY id LIMIT $2) AS place
    WHERE place.id = post_jobs.id
"""
POSTPONE_ALL = "UPDATE post_jobs SET due_at = 'infinity' WHERE status = 'queued'"
ANSWERED = f"SELECT count(*) FROM inbox WHERE lane >= {lanes.PRE_CHECKOUT_LANES} AND done_at > $1"
"""How many questions about payments the bot has answered since a moment."""
REGISTERED = "SELECT id FROM users WHERE telegram_id = $1"


@dataclass
class Load:
    """The people of one run, and what they have done."""

    environment: Environment
    market: Market
    rng: random.Random
    accepted: list[str] = field(default_factory=list)
    """Telegram's ids of the payments that were made."""
    refused: list[str] = field(default_factory=list)
    """The answers to people whose payments were refused."""
    messages: int = 0
    presses: int = 0
    _nonces: "itertools.count[int]" = field(default_factory=itertools.count)

    async def prepare_posts(self, number: int) -> None:
        """Buy placements whose posts wait until `make_posts_due`."""
        await self.market.fill(number, promised_hours=0, at_once=1)
        await self.environment.fetch(POSTPONE_ALL)

    async def make_posts_due(self, number: int) -> None:
        """Let posts become due one after another."""
        await self.environment.fetch(MAKE_DUE, POST_SECONDS, number)

    async def pay_during(self, seconds: float) -> list["asyncio.Task[None]"]:
        """Let the bot accept payments. They are made at random times of the next `seconds`."""
        people = [await self.new_person() for _ in range(PAYERS)]
        since = await self.environment.fetch("SELECT clock_timestamp()")
        paying = [
            asyncio.create_task(self._pay(each, self.rng.randint(2, max(int(seconds) - 2, 2))))
            for each in people
        ]

        async def are_answered() -> bool:
            return bool(await self.environment.fetch(ANSWERED, since) >= PAYERS)

        with contextlib.suppress(TimeoutError):  # a very busy machine: some payments are refused
            await wait_until(are_answered, ACCEPT_SECONDS, "no answer", interval=0.1)
        return paying

    async def pay_before_start(self) -> None:
        """Make a payment before the bot runs.

        The product may not know any deposit that is newer than the first payment of Telegram's
        list, except for the payments of this list.
        """
        person = await self.new_person(wait=False)
        paying = asyncio.create_task(self._pay(person, 0))
        while not paying.done():
            # The updates are not confirmed, so the bot gets them too.
            for update in await self.environment.call("getUpdates", timeout=1):
                if query := update.get("pre_checkout_query"):
                    await self.environment.call(
                        "answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True
                    )
                    await paying

    async def pay_late(self, seconds: float) -> None:
        """Let a few people try to pay during a fault."""
        people = [await self.new_person(wait=False) for _ in range(LATE_PAYERS)]
        for person in people:
            await asyncio.sleep(seconds / (2 * LATE_PAYERS))
            await self._pay(person, 0)

    async def new_person(self, *, wait: bool = True) -> int:
        """Let a new person start the bot, and return the Telegram id."""
        person: int = (await self.environment.control("users", first_name="Payer"))["id"]
        await self._say(person, "/start")

        async def is_registered() -> bool:
            return await self.environment.fetch(REGISTERED, person) is not None

        if wait:
            await wait_until(is_registered, KNOWN_SECONDS, "a person is not registered")
        return person

    async def _pay(self, person: int, charge_after: int) -> None:
        user_id = 0
        with contextlib.suppress(*DATABASE_ERRORS):
            user_id = await self.environment.fetch(REGISTERED, person) or 0
        await self.environment.call(
            "sendInvoice",
            chat_id=person,
            title="Top-up",
            description="Top-up",
            payload=invoices.build_payload(user_id, PRICE, STARS, f"n{next(self._nonces)}"),
            provider_token="",
            currency=STARS,
            prices=[{"label": "Top-up", "amount": PRICE}],
        )
        paid = await self.environment.control(f"users/{person}/pay", charge_after=charge_after)
        if paid["ok"]:
            self.accepted.append(paid["telegram_payment_charge_id"])
        else:
            self.refused.append(paid["error_message"])

    async def visit(self, ended: asyncio.Event) -> None:
        """Let a visitor write, and press a button of the newest menu, until `ended` is set."""
        person: int = (await self.environment.control("users", first_name="Visitor"))["id"]
        while not ended.is_set():
            await self._say(person, "/start")
            self.messages += 1
            await _pause(ended)
            shown = await self.environment.control(f"chats/{person}/messages", "GET")
            menus = [each["message_id"] for each in shown["messages"] if WALLET in words(each)]
            if menus and not ended.is_set():
                await self._press(person, menus[-1])
                await _pause(ended)

    async def _press(self, person: int, message_id: int) -> None:
        # The bot may edit this menu at this moment, as the answer to an earlier press.
        with contextlib.suppress(aiohttp.ClientResponseError):
            await self.environment.control(
                f"users/{person}/press",
                chat_id=person,
                message_id=message_id,
                button=WALLET,
                wait=False,
            )
            self.presses += 1

    async def _say(self, person: int, text: str) -> None:
        await self.environment.control(f"users/{person}/send", chat_id=person, text=text)


async def _pause(ended: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), PRESS_SECONDS)
