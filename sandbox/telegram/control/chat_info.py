"""Handle control API requests in which a person changes what Telegram says about a channel."""

from sandbox.telegram import media, messages, serializers
from sandbox.telegram.control.request import ControlRequest, find_person
from sandbox.telegram.entities import Chat
from sandbox.telegram.errors import ControlError
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json

LONGEST_TIMER = 365 * 24 * 3600


async def change_info(request: ControlRequest) -> Json:
    """Change a channel's data in the name of a person, and return the whole data of the channel.

    As in Telegram, a new title, a new or removed picture and a new auto-delete timer are posted as
    service messages. Nobody is told about another description, username, protection or number of
    subscribers.
    """
    chat = request.chat()
    person = find_person(request.state, request.require("user_id", int))
    if chat.type != "channel":
        raise ControlError("this is for channels")
    if not request.state.member(chat.id, person.id).may("can_change_info"):
        raise ControlError("this person may not change the data of the channel", status=403)
    posted = _change_posted(request, chat)
    _change_silently(request, chat)
    request.state.save_chat(chat)
    for content in posted:
        messages.post_by_person(request.state, chat, Draft(content, service=True), person.id)
    return serializers.serialize_full_chat(request.state, chat)


def _change_posted(request: ControlRequest, chat: Chat) -> list[Json]:
    """Change what Telegram posts a service message about. Return the contents of the messages."""
    posted: list[Json] = []
    if title := request.get("title", str):
        chat.title = title
        posted.append({"new_chat_title": title})
    if "photo" in request.body:
        if request.flag("photo"):
            file = media.store_upload(request.state, "photo", media.sample_upload("photo"))
            chat.photo_id = file.id
            posted.append({"new_chat_photo": [media.photo_size(file)]})
        else:
            chat.photo_id = None
            posted.append({"delete_chat_photo": True})
    seconds = request.get("auto_delete_seconds", int)
    if seconds is not None:
        if not 0 <= seconds <= LONGEST_TIMER:
            raise ControlError(f"auto_delete_seconds must be from 0 to {LONGEST_TIMER}")
        chat.auto_delete_seconds = seconds
        changed = {"message_auto_delete_time": seconds}
        posted.append({"message_auto_delete_timer_changed": changed})
    return posted


def _change_silently(request: ControlRequest, chat: Chat) -> None:
    """Change the data about whose change Telegram says nothing."""
    if (description := request.get("description", str)) is not None:
        chat.description = description or None
    if (username := request.get("username", str)) is not None:
        chat.username = username or None
    if "protected" in request.body:
        chat.protected = request.flag("protected")
    if (subscribers := request.get("subscribers", int)) is not None:
        chat.subscribers = subscribers
