"""Build slow objects before the scheduler takes work."""

from aiogram.methods.base import Response
from aiogram.types import Message

from bot import warm_up
from bot.telegram import ad_messages
from services.market.creatives import Creative


def build() -> None:
    """Build the objects that the first post and the first message need."""
    warm_up.build_texts()
    ad = Creative(kind="text", text="-", button_text="-", button_url="https://example.com/")
    ad_messages.message(1, ad)
    for part in ad_messages.parts(ad):
        ad_messages.edit_part(1, 1, ad, part)
    # A send has only some seconds of its lease for the build of its method.
    photo = Creative(kind="photo", text="-", file_id="-", file_unique_id="-")
    ad_messages.message(1, photo)
    ad_messages.message(1, Creative(kind="album", items=(photo, photo)))
    message = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}
    Response[Message].model_validate({"ok": True, "result": message})
