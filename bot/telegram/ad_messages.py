"""An ad as Telegram's methods take it: the same for a preview, a card, a channel and a look."""

from typing import Any

from aiogram.methods import (
    EditMessageCaption,
    EditMessageReplyMarkup,
    EditMessageText,
    SendAnimation,
    SendMessage,
    SendPhoto,
    SendVideo,
)
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
)

from services.market.creatives import Creative

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""A preview is somebody's site and can change after the ad was approved: there is none."""

AdMessage = SendMessage | SendPhoto | SendVideo | SendAnimation
AdEdit = EditMessageText | EditMessageCaption | EditMessageReplyMarkup


def message(chat_id: int, creative: Creative) -> AdMessage:
    """The method that publishes an ad, with the advertiser's own formatting and no parse mode.

    Raises ValueError (pydantic's included) for a creative that Telegram's types do not take.
    """
    if creative.kind == "text":
        return SendMessage(
            chat_id=chat_id,
            text=creative.text,
            entities=_entities(creative),
            link_preview_options=NO_PREVIEW,
            reply_markup=keyboard(creative),
        )
    if creative.file_id is None:
        raise ValueError("an ad with media has a file")
    caption: dict[str, Any] = {
        "caption": creative.text or None,
        "caption_entities": _entities(creative),
        "reply_markup": keyboard(creative),
    }
    if creative.kind == "photo":
        return SendPhoto(chat_id=chat_id, photo=creative.file_id, **caption)
    if creative.kind == "video":
        return SendVideo(chat_id=chat_id, video=creative.file_id, **caption)
    if creative.kind == "animation":
        return SendAnimation(chat_id=chat_id, animation=creative.file_id, **caption)
    raise ValueError("an ad is a text, a photo, a video or an animation")


def edit(chat_id: int, message_id: int, creative: Creative) -> AdEdit:
    """The method that makes a published ad what it should be; ValueError as for `message`."""
    if creative.kind == "text":
        return EditMessageText(
            chat_id=chat_id,
            message_id=message_id,
            text=creative.text,
            entities=_entities(creative),
            link_preview_options=NO_PREVIEW,
            reply_markup=keyboard(creative),
        )
    return EditMessageCaption(
        chat_id=chat_id,
        message_id=message_id,
        caption=creative.text or None,
        caption_entities=_entities(creative),
        reply_markup=keyboard(creative),
    )


def edit_button(chat_id: int, message_id: int, creative: Creative) -> AdEdit:
    """The method that touches nothing of a published ad but its link button."""
    return EditMessageReplyMarkup(
        chat_id=chat_id, message_id=message_id, reply_markup=keyboard(creative)
    )


def keyboard(creative: Creative) -> InlineKeyboardMarkup | None:
    """The ad's one link button, if it has one."""
    if creative.button_text is None or creative.button_url is None:
        return None
    button = InlineKeyboardButton(text=creative.button_text, url=creative.button_url)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def _entities(creative: Creative) -> list[MessageEntity] | None:
    return [MessageEntity.model_validate(entity) for entity in creative.entities] or None
