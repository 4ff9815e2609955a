"""Read and check the ad that a person sends in a form."""

from dataclasses import replace
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State
from aiogram.types import Message
from aiogram_dialog import DialogManager
from aiogram_dialog.widgets.text import Text

from bot import ad_parser
from bot.errors import explain
from bot.telegram import ad_messages
from handlers import forms
from services.market import links
from services.market.creatives import Creative
from services.platform import errors


def parse(message: Message, manager: DialogManager) -> bool:
    """Store the ad of a message in the draft. Return False if the ad is invalid."""
    if (message.text or "").startswith("/") and message.forward_origin is None:
        forms.show_error(manager, forms.context_of(manager).t("answer-command"))
        return False
    parsed = ad_parser.parse_ad(message)
    if parsed is None or message.media_group_id is not None:
        forms.show_error(manager, forms.context_of(manager).t("ad-kind"))
        return False
    earlier = draft(manager) if "ad" in manager.dialog_data else parsed.creative
    ad = replace(parsed.creative, button_text=earlier.button_text, button_url=earlier.button_url)
    if not check(manager, ad, parsed.addresses):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    manager.dialog_data["losses"] = parsed.losses
    return True


def check(
    manager: DialogManager, ad: Creative, addresses: tuple[tuple[int, int], ...] = ()
) -> bool:
    """Return whether an ad and the addresses in its text are valid. Otherwise show the error."""
    try:
        ad.validate()
        for offset, length in addresses:
            links.require_visible(ad.text, offset, length)
    except errors.DomainError as error:
        forms.show_error(manager, explain(forms.context_of(manager).t, error))
        return False
    return True


def read_button_text(message: Message, manager: DialogManager) -> bool:
    """Keep a text for the link button. Return False if the text is invalid."""
    text = (message.text or "").strip()
    # The check of the button's text needs a valid address, but the form asks for the address only
    # in the next step.
    ad = replace(draft(manager), button_text=text, button_url="https://t.me/")
    if not check(manager, ad):
        return False
    manager.dialog_data["button_text"] = text
    return True


def read_button_url(message: Message, manager: DialogManager) -> bool:
    """Store the link button with the kept text in the draft. Return False if it is invalid."""
    url = links.with_scheme((message.text or "").strip())
    ad = replace(draft(manager), button_text=manager.dialog_data["button_text"], button_url=url)
    if not check(manager, ad):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    return True


def remove_button(manager: DialogManager) -> None:
    """Remove the link button from the draft."""
    ad = replace(draft(manager), button_text=None, button_url=None)
    manager.dialog_data["ad"] = ad.as_json()


async def show_preview(manager: DialogManager, ad_step: State) -> bool:
    """Show the ad of the draft as channels will get it.

    Returns False and goes to the step `ad_step` if Telegram refuses the ad.
    """
    context = forms.context_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    chat_id: int = manager.middleware_data["event_chat"].id
    try:
        await bot(ad_messages.message(chat_id, draft(manager)))
    except TelegramBadRequest:
        forms.show_error(manager, context.t("ad-refused"))
        await manager.switch_to(ad_step)
        return False
    return True


class AdLosses(Text):
    """A list of the message's parts that the published ad will not have."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:  # noqa: ARG002 - required
        t = forms.context_of(manager).t
        losses = manager.dialog_data.get("losses", ())
        lines = [t("ad-loss", loss=loss) for loss in losses]
        return "\n".join(["", t("ad-losses"), *lines]) if lines else ""


def draft(manager: DialogManager) -> Creative:
    """Return the ad of the draft."""
    return Creative.from_json(manager.dialog_data["ad"])
