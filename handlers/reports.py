"""Handle the operators' command `/report`."""

import asyncio

from aiogram import Bot, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from bot import bar_chart
from bot.context import RequestContext
from bot.operator_callbacks import DrawReport, ShowReport
from bot.screens import reports as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, offset
from bot.telegram.answers import answer_press
from handlers import respond
from services.platform import reports
from services.platform.actors import OPERATORS

router = Router(name="reports")


async def _screen(context: RequestContext, name: str, page: int) -> Outgoing:
    """Return a page of a report, or the list of reports if no report has this name."""
    context.actor.require_staff(*OPERATORS, action="report")
    if name not in reports.REPORTS:
        return screens.menu(context.t, unknown=name)
    async with context.read() as session:
        found = await reports.run(
            session,
            name,
            sla=context.settings.escrow_sla,
            limit=FETCH_LIMIT,
            offset=offset(page),
        )
    return screens.report(context.t, name, found, page)


@router.message(Command("report"))
async def show_named(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Show the report that the command names, for example `/report held`, or the list."""
    await respond.show(message, await _screen(context, (command.args or "").strip().lower(), 0))


@router.callback_query(ShowReport.filter())
async def show(press: CallbackQuery, callback_data: ShowReport, context: RequestContext) -> None:
    """Show a page of a report, or the list of reports."""
    await respond.show(press, await _screen(context, callback_data.name, callback_data.page))


@router.callback_query(DrawReport.filter())
async def draw(
    press: CallbackQuery, callback_data: DrawReport, context: RequestContext, bot: Bot
) -> None:
    """Send a picture of a report about days, with the last days on the right."""
    context.actor.require_staff(*OPERATORS, action="report")
    column = screens.DRAWN.get(callback_data.name)
    if column is None or press.message is None:
        await respond.alert(press, context.t("button-stale"))
        return
    async with context.read() as session:
        found = sorted(await reports.run(session, callback_data.name), key=lambda row: row["day"])
    days, values = [row["day"] for row in found], [row[column] for row in found]
    picture = await asyncio.to_thread(bar_chart.draw, days, values)
    await bot.send_photo(
        press.message.chat.id,
        BufferedInputFile(picture, f"{callback_data.name}.png"),
        caption=screens.caption(context.t, callback_data.name, found),
    )
    await answer_press(press)
