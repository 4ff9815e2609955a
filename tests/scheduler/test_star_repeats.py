"""Test that older parts of Telegram's list of Stars are read again before an alarm."""

from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import GetStarTransactions

from db.session import Sessions
from scheduler.star_reconciliation import OVERLAP, PAGE, StarReconciliation
from tests.scheduler import star_list
from tests.scheduler.scene import Scene


@pytest.mark.parametrize("newer", [1, OVERLAP + 1, 2 * PAGE])
async def test_a_refused_payment_that_is_booked_later_raises_no_alarm(
    scene: Scene, bot: Bot, payer: int, newer: int
) -> None:
    """Check a payment that is booked after an engineer's repair and after many newer payments."""
    charge_id = await star_list.pay(scene, f"topup:{payer}:7:XTR:x")
    star_list.list_payments(scene, payer, newer)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    assert await star_list.value(scene, star_list.TOLD) == 1
    await star_list.book(scene, payer, charge_id)
    assert await star_list.value(scene, star_list.UNCOMPARED) == 1
    offsets = star_list.record_offsets(bot)
    await reconciliation.run()
    assert len(offsets) == 1
    assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0
    assert await star_list.value(scene, star_list.TOLD) == 1


async def test_a_deposit_that_telegram_lists_late_raises_no_alarm(
    scene: Scene, bot: Bot, payer: int, of_logins: tuple[Sessions, Sessions]
) -> None:
    """Check a payment that appears in a part of the list that was already read."""
    star_list.list_payments(scene, payer, 2 * PAGE + OVERLAP)
    reconciliation = StarReconciliation(of_logins[0], bot, of_logins[1])
    await reconciliation.run()
    await scene.database.forward(timedelta(minutes=10))
    late = await star_list.pay(scene, f"topup:{payer}:{star_list.AMOUNT}:XTR:late")
    await star_list.book(scene, payer, late)
    scene.world.state.payments[late].date -= 3_600
    offsets = star_list.record_offsets(bot)
    for _ in range(2):
        await reconciliation.run()
    begin = 2 * PAGE + 1
    assert offsets == [2 * PAGE, begin]
    await scene.database.forward(timedelta(minutes=2))
    await reconciliation.run()
    older = [begin - PAGE + OVERLAP, begin - 2 * (PAGE - OVERLAP), 0]
    assert offsets == [2 * PAGE, begin, begin, *older]
    assert await star_list.value(scene, star_list.UNCOMPARED) == 0
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 0


async def test_an_invented_deposit_causes_one_reading_in_a_minute_and_is_told_as_early(
    scene: Scene, bot: Bot, payer: int
) -> None:
    star_list.list_payments(scene, payer, 3 * PAGE)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    await star_list.book(scene, payer, "invented")
    again = star_list.record_offsets(bot)
    counts = []
    for _ in range(12):
        await scene.database.forward(timedelta(seconds=10))
        before = len(again)
        await StarReconciliation(scene.database.sessions, bot).run()
        counts.append((len(again) - before, await star_list.value(scene, star_list.OPEN_INCIDENTS)))
    old_pages = 1 + 4
    waits, told = [(1, 0)], [(1, 1)]
    assert counts[:3] in ([*waits * 3], [*waits * 2, (old_pages, 0)])
    assert sum(count == old_pages for count, _ in counts) == 1
    assert counts[6:] == [*told * 6]
    assert counts[4] == (1, 0)


async def test_further_invented_deposits_cause_one_reading_in_a_minute(
    scene: Scene, bot: Bot, payer: int
) -> None:
    star_list.list_payments(scene, payer, PAGE)
    await StarReconciliation(scene.database.sessions, bot).run()
    again = star_list.record_offsets(bot)
    for number in range(18):
        await star_list.book(scene, payer, f"invented {number}")
        await scene.database.forward(timedelta(seconds=10))
        await StarReconciliation(scene.database.sessions, bot).run()
    assert 2 <= again.count(0) <= 3
    assert len(again) == 18 + again.count(0)


async def test_an_error_of_telegram_does_not_delay_the_alarm(
    scene: Scene, bot: Bot, payer: int
) -> None:
    star_list.list_payments(scene, payer, PAGE)
    reconciliation = StarReconciliation(scene.database.sessions, bot)
    await reconciliation.run()
    await star_list.book(scene, payer, "invented")
    await scene.database.forward(timedelta(minutes=2))

    async def fail(send: Any, caller: Bot, method: Any) -> Any:
        if isinstance(method, GetStarTransactions) and method.offset == 0:
            raise TelegramRetryAfter(method, "Too Many Requests: retry after 9", 9)
        return await send(caller, method)

    bot.session.middleware(fail)  # type: ignore[arg-type]  # aiogram asks for a named protocol
    await reconciliation.run()
    assert await star_list.value(scene, star_list.OPEN_INCIDENTS) == 1
