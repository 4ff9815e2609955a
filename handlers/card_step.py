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
from services.market import favourites

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
        Format("{card}\n", when="card"),
        forms.Question("card-question"),
        Button(forms.Translated("card-buy"), "buy_here", on_click=on_buy, when="is_offered"),
        Url(forms.Translated("card-open"), Format("{link}"), when="link"),
        Button(forms.Translated("card-draw"), "growth", on_click=_draw, when="has_growth"),
        Button(
            forms.Translated("favourite"),
            "favourite",
            on_click=_change_favourite,
            when="is_offered",
        ),
        Url(forms.Translated("card-share"), Format("{share}"), when="is_offered"),
        forms.navigation_row(after_cancel, back_to=back_to),
        state=state,
        getter=_card,
    )


async def _card(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context, channel_id = forms.context_of(dialog_manager), dialog_manager.dialog_data["channel_id"]
    visible = await channel_cards.read_visible(context, channel_id)
    if visible is None:
        # Its owner has paused it meanwhile, or the press was forged.
        return {"values": {"offered": "no"}}
    card, _ = visible
    share_link = await channel_cards.share_link(_bot(dialog_manager), channel_id)
    async with context.read_quickly() as session:
        marked = await favourites.is_marked(session, user_id=context.user_id, channel_id=channel_id)
    return {
        "values": {
            "offered": "yes" if card.is_offered else "no",
            "marked": "yes" if marked else "no",
        },
        "card": screens.text(context.t, card),
        "is_offered": card.is_offered,
        "link": screens.link(card.channel),
        "has_growth": bool(screens.growth_button(context.t, channel_id, card.growth)),
        "share": screens.share_address(context.t, card.channel, share_link),
    }


async def _change_favourite(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context, channel_id = forms.context_of(manager), manager.dialog_data["channel_id"]
    async with context.begin() as session:
        marked = await favourites.is_marked(session, user_id=context.user_id, channel_id=channel_id)
        await favourites.mark(
            session, actor=context.actor, channel_id=channel_id, marked=not marked
        )


async def _draw(press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context, channel_id = forms.context_of(manager), manager.dialog_data["channel_id"]
    await channel_cards.send_growth(context, _bot(manager), press.from_user.id, channel_id)


def _bot(manager: DialogManager) -> Bot:
    bot: Bot = manager.middleware_data["bot"]
    return bot
