"""Handle links that open the card of a channel, or one's own campaign."""

from aiogram import Bot, F, Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import Message
from aiogram_dialog import DialogManager

from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT
from bot.screens import channel_card as screens
from bot.screens.outgoing import Outgoing
from handlers import campaigns as campaign_handlers
from handlers import channel_cards, error_handlers, respond, start
from services.platform import errors

CAMPAIGN_PREFIX = "c_"
"""The beginning of the parameter of a link to a campaign. The id of the campaign follows."""
_LARGEST_ID = 2**63 - 1

router = Router(name="deep_links")
"""The router of the links. The forms' router must contain it, because a link closes a form."""
router.message.filter(IN_PRIVATE_CHAT)


@router.message(CommandStart(deep_link=True, magic=F.args.startswith(channel_cards.PREFIX)))
async def open_channel(
    message: Message,
    command: CommandObject,
    context: RequestContext,
    bot: Bot,
    dialog_manager: DialogManager,
) -> None:
    """Show the card of the channel in a link. A new person is welcomed first."""
    await _begin(message, context, dialog_manager)
    channel_id = _read_id(command, channel_cards.PREFIX)
    await respond.show(message, await channel_cards.card_screen(context, bot, channel_id))


@router.message(CommandStart(deep_link=True, magic=F.args.startswith(CAMPAIGN_PREFIX)))
async def open_campaign(
    message: Message,
    command: CommandObject,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Show the campaign in a link, if it is the person's own. A new person is welcomed first."""
    await _begin(message, context, dialog_manager)
    await respond.show(message, await _campaign(context, _read_id(command, CAMPAIGN_PREFIX)))


async def _begin(message: Message, context: RequestContext, dialog_manager: DialogManager) -> None:
    """Close an open form, and welcome a person who has never written to the bot."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    if context.is_newcomer:
        await respond.show(message, await start.menu_screen(context))


async def _campaign(context: RequestContext, campaign_id: int) -> Outgoing:
    try:
        return await campaign_handlers.card_screen(context, campaign_id)
    except (errors.NotFound, errors.NotCampaignOwner) as error:
        # The same answer for both, so that nobody learns which campaigns exist.
        await error_handlers.record(context, error)
        return screens.campaign_missing(context.t)


def _read_id(command: CommandObject, prefix: str) -> int:
    """Return the id in the parameter of a link, or 0 if it has none."""
    typed = (command.args or "").removeprefix(prefix)
    is_number = typed.isascii() and typed.isdecimal() and len(typed) <= len(str(_LARGEST_ID))
    return int(typed) if is_number and int(typed) <= _LARGEST_ID else 0
