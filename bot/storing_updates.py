"""Store updates from Telegram in the inbox table, whatever they contain."""

import json
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from bot import update_filter
from bot.context import DatabaseAwayError, single_write
from db.session import Sessions, is_bad_data
from services.platform import inbox

log = structlog.get_logger(__name__)

_UPDATE_ID_LIMIT = 2**63
REFUSED = "refused by the database"
"""The reason why an update is set aside that the database cannot store."""


async def store(sessions: Sessions, updates: Sequence[dict[str, Any]]) -> None:
    """Store and commit updates in the inbox, without the fields that the product does not read.

    An update that was set aside is stored as it is. An update without an id is skipped. If the
    database refuses an update's data, its JSON is stored as a text. Raises DatabaseAwayError after
    any other error of the database.
    """
    readable = [
        update if inbox.SET_ASIDE in update else update_filter.reduce(update)
        for update in updates
        if has_id(update)
    ]
    if len(readable) < len(updates):
        log.error("updates without an id", count=len(updates) - len(readable))
    try:
        await _store(sessions, readable)
    except DBAPIError as refused:
        _require_bad_data(refused)
        for update in readable:
            await _store_alone(sessions, update)


async def _store_alone(sessions: Sessions, update: dict[str, Any]) -> None:
    """Store one update, or its JSON as a text, or its id. Raises DatabaseAwayError."""
    update_id = update["update_id"]
    replacement = inbox.set_aside(update_id, json.dumps(update), REFUSED)
    for content in (update, replacement, {"update_id": update_id}):
        try:
            await _store(sessions, [content])
        except DBAPIError as error:
            _require_bad_data(error)
            log.exception("update refused by the database", update_id=update_id, exc_info=error)
        else:
            return


def _require_bad_data(error: DBAPIError) -> None:
    """Raise DatabaseAwayError if the error has another cause than bad data."""
    if not is_bad_data(error):
        raise DatabaseAwayError from error


def has_id(update: dict[str, Any]) -> bool:
    """Return whether an update has an id that the database can store."""
    update_id = update.get("update_id")
    return type(update_id) is int and 0 <= update_id < _UPDATE_ID_LIMIT


async def _store(sessions: Sessions, updates: list[dict[str, Any]]) -> None:
    if updates:
        async with single_write(sessions) as session:
            await inbox.store(session, updates)
