"""Handle `/stop`, which stops all kill switches at once, with or without a reason."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot import switches
from bot.context import RequestContext, database_errors
from bot.matches import IN_PRIVATE_CHAT
from bot.screens import stop as screens
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.platform import killswitches
from services.platform.actors import OPERATORS

router = Router(name="stop")


async def stop_everything(message: Message, context: RequestContext, reason: str) -> None:
    """Stop all kill switches, and show what was stopped now and what was stopped before."""
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    async with context.begin() as session:
        stop = await killswitches.stop_all(session, actor=context.actor, reason=reason)
    async with database_errors():
        stop = await switches.settle_all_despite_locks(context.dependencies.sessions, stop)
    await respond.show(message, screens.stopped_all(context.t, stop))


@router.message(Command("stop", ignore_case=True), IN_PRIVATE_CHAT)
async def answer_in_private(message: Message, context: RequestContext) -> None:
    """Tell a person how to get no more messages. Refuse the staff outside the admin chat."""
    if context.actor.roles:
        context.actor.require_staff(*OPERATORS, action="kill_switch")
    await respond.show(message, Outgoing(context.t("stop-private")))


@router.message(Command("stop", ignore_case=True))
async def stop_in_admin_chat(
    message: Message, command: CommandObject, context: RequestContext
) -> None:
    """Stop everything for an operator in the admin chat. Ignore strangers in other groups."""
    if context.may_be_admin_chat(message.chat.id) or context.actor.roles:
        await stop_everything(message, context, command.args or "")
