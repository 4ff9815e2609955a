"""Build the Bot API methods that publish or edit an ad."""

from typing import Any

from aiogram.methods import (
    CopyMessages,
    EditMessageCaption,
    EditMessageMedia,
    EditMessageReplyMarkup,
    EditMessageText,
    SendAnimation,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendVideo,
    TelegramMethod,
)
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    LinkPreviewOptions,
    MediaUnion,
    MessageEntity,
)

from db.models.posting import AdPart
from services.market.creatives import Creative

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

AdEdit = EditMessageText | EditMessageCaption | EditMessageMedia | EditMessageReplyMarkup


def message(chat_id: int, creative: Creative) -> TelegramMethod[Any]:
    """Build the method that publishes an ad, also all messages of an album.

    Raises ValueError if aiogram does not accept the content.
    """
    if creative.items:
        files = [_input_media(item) for item in creative.items]
        media: list[MediaUnion] = [
            file for file in files if not isinstance(file, InputMediaAnimation)
        ]
        if len(media) < len(files):
            raise ValueError("no album has an animation")
        return SendMediaGroup(chat_id=chat_id, media=media)
    if creative.kind == "text":
        return SendMessage(
            chat_id=chat_id,
            text=creative.text,
            entities=_entities(creative),
            link_preview_options=preview_options(creative),
            reply_markup=keyboard(creative),
        )
    if creative.file_id is None:
        raise ValueError("an ad with media has a file")
    caption: dict[str, Any] = {
        "caption": creative.text or None,
        "caption_entities": _entities(creative),
        "reply_markup": keyboard(creative),
    }
    if creative.kind == "document":
        return SendDocument(chat_id=chat_id, document=creative.file_id, **caption)
    caption |= {
        "show_caption_above_media": creative.caption_above or None,
        "has_spoiler": creative.has_spoiler or None,
    }
    if creative.kind == "photo":
        return SendPhoto(chat_id=chat_id, photo=creative.file_id, **caption)
    if creative.kind == "video":
        return SendVideo(chat_id=chat_id, video=creative.file_id, **caption)
    if creative.kind == "animation":
        return SendAnimation(chat_id=chat_id, animation=creative.file_id, **caption)
    raise ValueError(f"no ad is a {creative.kind}")


def count(method: TelegramMethod[Any]) -> int:
    """Return how many messages a method sends, as Telegram's limits count them."""
    match method:
        case SendMediaGroup(media=media):
            return len(media)
        case CopyMessages(message_ids=ids):
            return len(ids)
        case _:
            return 1


def parts(creative: Creative, *, in_album: bool = False) -> list[AdPart]:
    """Return the parts of a message of an ad in the order in which a check compares them.

    A message of an album (`in_album`) has no button. Without a caption, the edit of its media
    alone compares it, because this edit also sets the caption: an album has up to ten messages,
    and Telegram allows 20 requests a minute in a channel.
    """
    if in_album:
        return [AdPart.TEXT, AdPart.MEDIA] if creative.text else [AdPart.MEDIA]
    # An edit of the text or the media also restores the button, so the button comes first.
    if creative.kind == "text":
        return [AdPart.BUTTON, text_part(creative)]
    return [AdPart.BUTTON, AdPart.TEXT, AdPart.MEDIA]


def text_part(creative: Creative) -> AdPart:
    """Return under which name a check edits the text of an ad. A link preview is edited with it."""
    return AdPart.TEXT if creative.link_preview is None else AdPart.PREVIEW


def edit_part(chat_id: int, message_id: int, creative: Creative, part: AdPart) -> AdEdit:
    """Build the method that restores one part of a published ad.

    Raises ValueError if aiogram does not accept the content.
    """
    if part is AdPart.BUTTON:
        return edit_button(chat_id, message_id, creative)
    if part is AdPart.MEDIA:
        return EditMessageMedia(
            chat_id=chat_id,
            message_id=message_id,
            media=_input_media(creative),
            reply_markup=keyboard(creative),
        )
    if creative.kind == "text":
        return EditMessageText(
            chat_id=chat_id,
            message_id=message_id,
            text=creative.text,
            entities=_entities(creative),
            link_preview_options=preview_options(creative),
            reply_markup=keyboard(creative),
        )
    return EditMessageCaption(
        chat_id=chat_id,
        message_id=message_id,
        caption=creative.text or None,
        caption_entities=_entities(creative),
        show_caption_above_media=creative.caption_above or None,
        reply_markup=keyboard(creative),
    )


def replace_content(chat_id: int, message_id: int, creative: Creative) -> AdEdit:
    """Build the method that gives a message the whole content of an ad.

    Raises ValueError if aiogram does not accept the content.
    """
    return edit_part(chat_id, message_id, creative, whole_part(creative))


def whole_part(creative: Creative) -> AdPart:
    """Return the part of an ad whose edit replaces the whole content."""
    return text_part(creative) if creative.kind == "text" else AdPart.MEDIA


def _input_media(
    creative: Creative,
) -> InputMediaPhoto | InputMediaVideo | InputMediaAnimation | InputMediaDocument:
    if creative.file_id is None:
        raise ValueError("an ad with media has a file")
    fields: dict[str, Any] = {
        "media": creative.file_id,
        "caption": creative.text or None,
        "caption_entities": _entities(creative),
    }
    if creative.kind == "document":
        return InputMediaDocument(**fields)
    fields |= {
        "show_caption_above_media": creative.caption_above or None,
        "has_spoiler": creative.has_spoiler or None,
    }
    if creative.kind == "photo":
        return InputMediaPhoto(**fields)
    if creative.kind == "video":
        return InputMediaVideo(**fields)
    return InputMediaAnimation(**fields)


def preview_options(creative: Creative) -> LinkPreviewOptions:
    """Return the options of the link preview of a text."""
    preview = creative.link_preview
    if preview is None:
        return NO_PREVIEW
    return LinkPreviewOptions(
        is_disabled=False,
        url=preview.get("url"),
        prefer_small_media=preview.get("size") == "small",
        prefer_large_media=preview.get("size") == "large",
        show_above_text="above" in preview,
    )


def edit_button(chat_id: int, message_id: int, creative: Creative) -> AdEdit:
    """Build the method that edits the link button of a published ad."""
    return EditMessageReplyMarkup(
        chat_id=chat_id, message_id=message_id, reply_markup=keyboard(creative)
    )


def keyboard(creative: Creative) -> InlineKeyboardMarkup | None:
    """Return a keyboard with the link button of an ad, or None if the ad has no button."""
    if creative.button_text is None or creative.button_url is None:
        return None
    button = InlineKeyboardButton(text=creative.button_text, url=creative.button_url)
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def _entities(creative: Creative) -> list[MessageEntity] | None:
    return [MessageEntity.model_validate(entity) for entity in creative.entities] or None
