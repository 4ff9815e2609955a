"""Gather the messages of an album that a person sends in a form.

Telegram delivers each file of an album as a message of its own, and never says how many there are.
The updates of a chat are handled in their order, so the form keeps what has come, shows the number,
and goes on when the person presses the button. A file that comes later is added, and the person is
asked again.
"""

from typing import Any

from aiogram.fsm.state import State
from aiogram.types import Message
from aiogram_dialog import DialogManager, ShowMode

from bot import ad_parser
from handlers import ad_input, forms
from services.market import creatives
from services.market.creatives import Creative

_ALBUM = "album"
"""The key in the data of a form: the album that is gathered, or that the ad is made of."""
_FORMER = "former_albums"
"""The key of the ids of albums that were refused or replaced, so that no file of them is an ad."""
_REFUSED = "refused_album"
"""The key of the id of the last album that was refused. Its other files need no answer."""
_MOST_FORMER = 20


async def take_part(message: Message, manager: DialogManager, step: State, ad_step: State) -> bool:
    """Add a message to the album of the form, and show the step `step`.

    Returns False if the message is no part of an album. If the album is refused, the step `ad_step`
    says why, once.
    """
    album_id = message.media_group_id
    if album_id is None:
        return False
    data = manager.dialog_data
    if album_id == data.get(_REFUSED):
        manager.show_mode = ShowMode.NO_UPDATE
        return True
    if album_id in data.get(_FORMER, ()):
        forms.show_error(manager, forms.context_of(manager).t("ad-album-former"))
        return True
    is_first = _ALBUM not in data or data[_ALBUM]["id"] != album_id
    if is_first:
        drop(manager)
        data[_ALBUM] = {"id": album_id, "parts": {}}
    problem = _add(message, manager, data[_ALBUM]["parts"])
    if problem is None:
        await forms.next_step(manager, step)
    else:
        drop(manager)
        data[_REFUSED] = album_id
        await forms.next_step(manager, ad_step)
        forms.show_error(manager, problem)
    if not is_first:
        # The question about the first file stays where it is.
        manager.show_mode = ShowMode.EDIT
    return True


async def take_late_part(
    message: Message, manager: DialogManager, step: State, ad_step: State
) -> bool:
    """Add a message to the album that the ad of the form is made of, and ask about it again.

    Returns False for every other message.
    """
    album = manager.dialog_data.get(_ALBUM)
    is_late = album is not None and message.media_group_id == album["id"]
    return is_late and await take_part(message, manager, step, ad_step)


def drop(manager: DialogManager) -> None:
    """Forget the album of the form. Its files that come later are no ad."""
    album = manager.dialog_data.pop(_ALBUM, None)
    if album is not None:
        former = [*manager.dialog_data.get(_FORMER, ()), album["id"]]
        manager.dialog_data[_FORMER] = former[-_MOST_FORMER:]


def count(manager: DialogManager) -> int:
    """Return how many files of the album have come."""
    return len(manager.dialog_data.get(_ALBUM, {"parts": ()})["parts"])


def use(manager: DialogManager) -> bool:
    """Make the ad of the draft from the gathered album. Return False if it is invalid."""
    if count(manager) < creatives.LEAST_ITEMS:
        forms.show_error(manager, forms.context_of(manager).t("ad-album-incomplete"))
        return False
    parts = _sorted(manager.dialog_data[_ALBUM]["parts"])
    ad = Creative("album", items=tuple(Creative.from_json(part["ad"]) for part in parts))
    if not ad_input.check(manager, ad):
        return False
    manager.dialog_data["ad"] = ad.as_json()
    manager.dialog_data["losses"] = _losses(parts)
    return True


def _add(message: Message, manager: DialogManager, parts: dict[str, Any]) -> str | None:
    """Add a message to the parts of an album. Return the text of the reason if it can't be one."""
    t = forms.context_of(manager).t
    parsed = ad_parser.parse_ad(message)
    if parsed is None:
        return t("ad-album-refused", why="kind")
    item = parsed.creative
    if not ad_input.check(manager, item, parsed.addresses):
        return str(manager.dialog_data["error"])
    kinds = {item.kind, *(part["ad"]["kind"] for part in parts.values())}
    if not any(kinds <= together for together in creatives.ALBUMS):
        return t("ad-album-refused", why="mixed" if len(kinds) > 1 else "kind")
    parts[str(message.message_id)] = {"ad": item.as_json(), "losses": parsed.losses}
    if len(parts) > creatives.MOST_ITEMS:
        return t("ad-album-refused", why="number")
    manager.dialog_data["losses"] = _losses(_sorted(parts))
    return None


def _sorted(parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts in the order in which they stand in the album."""
    return [parts[number] for number in sorted(parts, key=int)]


def _losses(parts: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(loss for part in parts for loss in part["losses"]))
