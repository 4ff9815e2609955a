"""Handle an owner's earnings by week, as a list and as a picture."""

import asyncio
from datetime import date, datetime, time, timedelta, tzinfo

from aiogram import Bot, F, Router
from aiogram.types import BufferedInputFile, CallbackQuery

from bot import bar_chart, time_zones
from bot.callbacks import DrawEarnings, Go, Screen
from bot.context import RequestContext
from bot.screens import earnings as screens
from bot.telegram.answers import answer_press
from db import queries
from handlers import respond
from services.money import earnings
from services.money.earnings import Earned

WEEKS = 12
"""The number of weeks that an owner sees, with the present week."""

router = Router(name="earnings")


def _mondays(now: datetime, zone: tzinfo) -> list[date]:
    """Return the Mondays of the last WEEKS weeks in a time zone, the earliest first."""
    today = now.astimezone(zone).date()
    this_week = today - timedelta(days=today.weekday())
    return [this_week - timedelta(weeks=back) for back in reversed(range(WEEKS))]


async def _weeks(context: RequestContext) -> list[tuple[date, Earned]]:
    zone = time_zones.zone(context.t.time_zone)
    async with context.read() as session:
        mondays = _mondays(await queries.now(session), zone)
        earned = await earnings.by_period(
            session,
            user_id=context.user_id,
            begins=[datetime.combine(monday, time(), zone) for monday in mondays],
        )
    return list(zip(mondays, earned, strict=True))


@router.callback_query(Go.filter(F.screen == Screen.EARNINGS))
async def show(press: CallbackQuery, context: RequestContext) -> None:
    """Show what the person's channels earned in each of the last weeks."""
    await respond.show(press, screens.earnings(context.t, await _weeks(context)))


@router.callback_query(DrawEarnings.filter())
async def draw(press: CallbackQuery, context: RequestContext, bot: Bot) -> None:
    """Send a picture of the earnings, with the present week on the right."""
    if press.message is None:
        await respond.alert(press, context.t("button-stale"))
        return
    weeks = await _weeks(context)
    mondays = [monday for monday, _ in weeks]
    picture = await asyncio.to_thread(
        bar_chart.draw, mondays, [earned.amount for _, earned in weeks]
    )
    await bot.send_photo(
        press.message.chat.id,
        BufferedInputFile(picture, "earnings.png"),
        caption=screens.caption(context.t, weeks),
    )
    await answer_press(press)
