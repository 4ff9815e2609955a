"""Read and check the ad that a person sends in a form."""

import re
from dataclasses import replace
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, ShowMode
from aiogram_dialog.widgets.text import Text

from bot import ad_parser
from bot.ad_parser import ParsedAd
from bot.errors import explain
from bot.telegram import ad_messages
from handlers import forms
from services.market import creatives, links
from services.market.creatives import Creative
from services.platform import errors

FILE_LOSSES = frozenset({"live_photo", "video_start"})
"""The names of the parts that a file loses, and not the text."""
_ALBUM = "answered_album"
"""The key of the id of an album of which one file is answered already."""
_ADDRESS = re.compile(r"\w\.\w{2,}|://")


def parse(message: Message, manager: DialogManager) -> bool:
    """Store the ad of a message in the draft. Return False if the ad is invalid."""
    parsed = _read(message, manager)
    if parsed is None:
        return False
    earlier = draft(manager) if "ad" in manager.dialog_data else parsed.creative
    ad = replace(parsed.creative, button_text=earlier.button_text, button_url=earlier.button_url)
    if not check(manager, ad, parsed.addresses):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    manager.dialog_data["losses"] = parsed.losses
    return True


def _read(message: Message, manager: DialogManager) -> ParsedAd | None:
    """Return the ad of a message. Show the error and return None if the message is no ad.

    A file of an album is none: the steps for a whole ad take it before (`album_input`).
    """
    t = forms.context_of(manager).t
    parsed = ad_parser.parse_ad(message)
    if (message.text or "").startswith("/") and message.forward_origin is None:
        forms.show_error(manager, t("answer-command"))
    elif message.media_group_id is not None:
        forms.show_error(manager, t("ad-album-part"))
        if manager.dialog_data.get(_ALBUM) == message.media_group_id:
            manager.show_mode = ShowMode.EDIT
        manager.dialog_data[_ALBUM] = message.media_group_id
    elif parsed is None:
        forms.show_error(manager, t("ad-kind"))
    else:
        return parsed
    return None


def read_text(message: Message, manager: DialogManager) -> bool:
    """Replace the text of the draft and keep its file. Return False if the text is invalid."""
    parsed = _read(message, manager)
    if parsed is None:
        return False
    if parsed.creative.kind != "text":
        forms.show_error(manager, forms.context_of(manager).t("ad-text-needed"))
        return False
    old, new = draft(manager), parsed.creative
    in_text = old.kind == "text"
    ad = replace(
        old,
        text=new.text,
        entities=new.entities,
        link_preview=new.link_preview if in_text else None,
    )
    if not check(manager, ad, parsed.addresses):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    kept = [loss for loss in manager.dialog_data.get("losses", ()) if loss in FILE_LOSSES]
    manager.dialog_data["losses"] = [*parsed.losses, *kept]
    return True


def read_file(message: Message, manager: DialogManager) -> bool:
    """Replace the file of the draft and keep its text. Return False if the message has no file."""
    parsed = _read(message, manager)
    if parsed is None:
        return False
    if parsed.creative.kind == "text":
        forms.show_error(manager, forms.context_of(manager).t("ad-file-needed"))
        return False
    old, new = draft(manager), parsed.creative
    ad = replace(new, text=old.text, entities=old.entities)
    ad = replace(ad, button_text=old.button_text, button_url=old.button_url)
    if not check(manager, ad):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    kept = [loss for loss in manager.dialog_data.get("losses", ()) if loss not in FILE_LOSSES]
    manager.dialog_data["losses"] = [
        *kept,
        *(loss for loss in parsed.losses if loss in FILE_LOSSES),
    ]
    return True


def remove_file(manager: DialogManager) -> bool:
    """Make a text of the draft. Return False if the draft has no text."""
    old = draft(manager)
    ad = Creative("text", old.text, old.entities)
    ad = replace(ad, button_text=old.button_text, button_url=old.button_url)
    if not check(manager, ad):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    return True


def remove_text(manager: DialogManager) -> None:
    """Remove the text below the file of the draft."""
    ad = replace(draft(manager), text="", entities=[], caption_above=False)
    manager.dialog_data["ad"] = ad.as_json()


def set_preview(manager: DialogManager, choice: str) -> None:
    """Change the link preview of the draft: `off`, `auto`, a size, `above` or `below`."""
    ad = draft(manager)
    preview = dict(ad.link_preview or {})
    if choice in {"auto", *creatives.PREVIEW_SIZES}:
        preview.pop("size", None)
        preview |= {} if choice == "auto" else {"size": choice}
    else:
        preview.pop("above", None)
        preview |= {"above": True} if choice == "above" else {}
    ad = replace(ad, link_preview=None if choice == "off" else preview)
    manager.dialog_data["ad"] = ad.as_json()


def may_have_preview(ad: Creative) -> bool:
    """Return whether an ad is a text in which Telegram may find a link."""
    if ad.kind != "text":
        return False
    linked = any(entity.get("type") == "text_link" for entity in ad.entities)
    return ad.link_preview is not None or linked or _ADDRESS.search(ad.text) is not None


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


async def send(bot: Bot, chat_id: int, ad: Creative) -> bool:
    """Send an ad as channels will get it. Return False if Telegram refuses the ad."""
    try:
        await bot(ad_messages.message(chat_id, ad))
    except TelegramBadRequest:  # the file is gone, for example
        return False
    return True


async def show_preview(manager: DialogManager, ad_step: State) -> bool:
    """Show the ad of the draft as channels will get it.

    Returns False and goes to the step `ad_step` if Telegram refuses the ad.
    """
    context = forms.context_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    chat_id: int = manager.middleware_data["event_chat"].id
    if not await send(bot, chat_id, draft(manager)):
        forms.show_error(manager, context.t("ad-refused"))
        await manager.switch_to(ad_step)
        return False
    if isinstance(manager.event, CallbackQuery):
        # The question that was pressed stands above the ad now.
        manager.show_mode = ShowMode.DELETE_AND_SEND
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
