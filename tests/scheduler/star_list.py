"""Let people pay in Stars at the sandbox, and read what the database knows about the payments."""

import asyncio
from typing import Any

from aiogram import Bot
from aiogram.methods import GetStarTransactions
from sqlalchemy import text

from sandbox.telegram.entities import Payment
from services.platform import reports
from tests.factories import payments, people
from tests.scheduler.scene import Scene

AMOUNT = 500
RUNNING = "SELECT EXISTS (SELECT FROM running_switches WHERE key = 'withdrawals') AS enabled"
POSITION = "SELECT position FROM star_list_positions"
STATUS = "SELECT status FROM deposits WHERE external_reference = :charge"
UNCOMPARED = "SELECT count(*) FROM deposits WHERE currency = 'XTR' AND comparison IS NULL"
TOLD = "SELECT count(*) FROM outbox WHERE kind = 'star_transaction_refused'"
OPEN_INCIDENTS = "SELECT count(*) FROM incidents WHERE closed_at IS NULL"


async def value(scene: Scene, sql: str, **values: str | int) -> Any:
    """Run a query with one row and one value, and return the value."""
    async with scene.database.sessions.begin() as session:
        return (await session.execute(text(sql), values)).scalar_one()


def record_offsets(bot: Bot) -> list[int | None]:
    """Return a list to which each later `getStarTransactions` call adds its offset."""
    offsets: list[int | None] = []

    async def record(send: Any, caller: Bot, method: Any) -> Any:
        if isinstance(method, GetStarTransactions):
            offsets.append(method.offset)
        return await send(caller, method)

    bot.session.middleware(record)  # type: ignore[arg-type]  # aiogram asks for a named protocol
    return offsets


async def pay(scene: Scene, payload: str) -> str:
    """Let a person pay without an update, and return Telegram's id of the payment."""
    person = scene.world.ids["admin"]
    await scene.world.control(f"users/{person}/send", chat_id=person, text="/start")
    await scene.world.call(
        "sendInvoice",
        chat_id=person,
        title="Top-up",
        description="Top-up",
        payload=payload,
        provider_token="",
        currency="XTR",
        prices=[{"label": "Top-up", "amount": AMOUNT}],
    )
    await scene.world.updates()
    paying = asyncio.create_task(scene.world.control(f"users/{person}/pay"))
    [update] = await scene.world.call("getUpdates", timeout=5)
    query_id = update["pre_checkout_query"]["id"]
    await scene.world.call("answerPreCheckoutQuery", pre_checkout_query_id=query_id, ok=True)
    paid = await paying
    await scene.world.updates()
    charge_id: str = paid["telegram_payment_charge_id"]
    return charge_id


async def book(scene: Scene, payer: int, charge_id: str) -> None:
    """Record a deposit as the bot does after Telegram's update."""
    async with scene.database.sessions.begin() as session:
        await payments.deposit(
            session, user_id=payer, amount=AMOUNT, key=charge_id, source="stars", currency="XTR"
        )


async def unbooked(scene: Scene) -> list[str]:
    """Return the charge ids in the report about listed transactions that are not booked."""
    async with scene.database.sessions.begin() as session:
        return [row["charge_id"] for row in await reports.run(session, "unbooked_stars")]


def list_payments(scene: Scene, payer: int, count: int, *, by: int | None = None) -> list[str]:
    """Add payments without updates to Telegram's list, and return their charge ids.

    `by` is the payer's Telegram id. The default is the person `payer`.
    """
    state, charges = scene.world.state, [f"charge-{people.number()}" for _ in range(count)]
    for charge in charges:
        payment = Payment(
            charge,
            by or scene.world.ids["admin"],
            "XTR",
            AMOUNT,
            f"topup:{payer}:{AMOUNT}:XTR:x",
            state.now(),
            number=state.next_number("payments"),
        )
        state.save_payment(payment)
    return charges
