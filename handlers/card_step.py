"""Show the card of a channel as a step of a form. The form's data gets the `channel_id`."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot
from aiogram.fsm.state import State
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Url
from aiogram_dialog.widgets.text import Format

from bot.screens import channel_card as screens
from handlers import channel_cards, forms
from services.market import channel_cards as card_services

OnBuy = Callable[[CallbackQuery, Button, DialogManager], Awaitable[None]]


async def open_card(manager: DialogManager, channel_id: int, state: State) -> None:
    """Show the card of a channel in the open form. `state` is the step of `card_step`."""
    manager.dialog_data["channel_id"] = channel_id
    await forms.next_step(manager, state)


def card_step(
    state: State, *, on_buy: OnBuy, back_to: State, after_cancel: forms.ScreenAfterCancel
) -> Window:
    """Make the step with the card of a channel.

    `on_buy` is called when the person wants to buy there. `back_to` is the list of channels.
    """
    return Window(
        Format("{card}\n"),
        forms.Question("card-question"),
        Button(forms.Translated("card-buy"), "buy_here", on_click=on_buy, when="is_offered"),
        Url(forms.Translated("card-open"), Format("{link}"), when="link"),
        Button(forms.Translated("card-draw"), "growth", on_click=_draw, when="has_growth"),
        Url(forms.Translated("card-share"), Format("{share}"), when="is_offered"),
        forms.navigation_row(after_cancel, back_to=back_to),
        state=state,
        getter=_card,
    )


async def _card(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context, bot = forms.context_of(dialog_manager), _bot(dialog_manager)
    async with context.read() as session:
        shown = await card_services.read(session, dialog_manager.dialog_data["channel_id"])
    row = shown.channel
    share_link = await channel_cards.share_link(bot, row.id)
    return {
        "values": {"offered": "yes" if shown.is_offered else "no"},
        "card": screens.text(context.t, shown),
        "is_offered": shown.is_offered,
        "link": screens.link(row),
        "has_growth": shown.growth is not None and shown.growth.last_days is not None,
        "share": screens.share_address(context.t, row, share_link),
    }


async def _draw(press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context, channel_id = forms.context_of(manager), manager.dialog_data["channel_id"]
    await channel_cards.send_growth(context, _bot(manager), press.from_user.id, channel_id)


def _bot(manager: DialogManager) -> Bot:
    bot: Bot = manager.middleware_data["bot"]
    return bot
