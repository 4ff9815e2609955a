"""Handle the operators' command `/report`."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import ShowReport
from bot.context import RequestContext
from bot.screens import reports as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, offset
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
    await respond.show(message, await _screen(context, (command.args or "").strip(), 0))


@router.callback_query(ShowReport.filter())
async def show(press: CallbackQuery, callback_data: ShowReport, context: RequestContext) -> None:
    """Show a page of a report, or the list of reports."""
    await respond.show(press, await _screen(context, callback_data.name, callback_data.page))
