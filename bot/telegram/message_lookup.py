"""Interpret Telegram's answers during the search for a possibly published post."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from bot.telegram import ad_comparison, api_response
from bot.telegram.ad_comparison import Comparison
from bot.telegram.api_response import ApiResponse
from services.market.creatives import Creative


class LookupResult(StrEnum):
    """The search's result for one message id of the channel."""

    OURS = "ours"
    """The content of the message proves that the message is the ad."""
    CANDIDATE = "candidate"
    """The bot is allowed to edit the message, so the message can be the ad."""
    ANOTHERS = "another's"
    """The message was written by somebody else, or its content is not the ad."""
    NOTHING = "nothing"
    """Telegram finds no message."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """The result of one request about a message id.

    `evidence` is Telegram's text or the class of an error.
    """

    result: LookupResult
    evidence: str
    retry_after: timedelta | None = None
    answered: bool = False
    """If `result` is UNKNOWN, this says whether another try would give the same answer."""
    places: frozenset[int] = frozenset()
    """If `result` is OURS, which messages of the ad have this content, counted from 0.

    An album may have the same content at several places. Every other ad has one message.
    """


@dataclass(frozen=True)
class BotRights:
    """The bot's rights in a channel."""

    may_post: bool
    may_edit_others: bool
    """Whether the bot is allowed to edit the messages of others."""


class FoundMessages:
    """The messages of an ad that a search has found so far, in the order of an album's items.

    Telegram numbers the messages of an album in the order of its items, but messages of others may
    stand between them. A part of an album is never taken for the whole.
    """

    def __init__(self, creative: Creative) -> None:
        self._number = len(creative.messages)
        self._ids: list[int] = []
        self._is_broken = False

    def add(self, message_id: int, probe: Probe) -> None:
        """Take a message whose content is that of the ad or of an item (the result OURS)."""
        if len(self._ids) in probe.places:
            self._ids.append(message_id)
        else:
            self._is_broken = True

    @property
    def whole(self) -> tuple[int, ...] | None:
        """The ids of all messages of the ad, or None if at least one is missing."""
        is_whole = len(self._ids) == self._number and not self._is_broken
        return tuple(self._ids) if is_whole else None

    @property
    def is_partial(self) -> bool:
        """Whether a part of the ad was found, which proves neither presence nor absence."""
        return self.whole is None and (bool(self._ids) or self._is_broken)


_COMPARED = {
    Comparison.SAME: Probe(LookupResult.OURS, "200: the content is the ad"),
    Comparison.DIFFERENT: Probe(LookupResult.ANOTHERS, "200: the content is not the ad"),
    Comparison.UNKNOWN: Probe(
        LookupResult.UNKNOWN, "200: the content cannot be compared", answered=True
    ),
}


def interpret_probe(response: ApiResponse) -> Probe:
    """Return what Telegram's refusal of a probe proves about the message id.

    The probe asks Telegram to stop a live location that no post of the bot has.
    """
    answer = api_response.parse(response)
    if answer is None:
        return Probe(LookupResult.UNKNOWN, f"{response.status}: the answer could not be read")
    if answer["ok"]:
        return Probe(LookupResult.UNKNOWN, "200: a probe was not refused")
    error = api_response.error_text(response.status, answer)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Probe(LookupResult.UNKNOWN, error, retry_after=api_response.retry_after(answer))
    result = (
        _interpret_error(error.lower())
        if response.status == HTTPStatus.BAD_REQUEST
        else LookupResult.UNKNOWN
    )
    return Probe(result, error)


def _interpret_error(error: str) -> LookupResult:
    if api_response.NO_LIVE_LOCATION in error:
        return LookupResult.CANDIDATE
    if api_response.NOT_EDITABLE in error:
        return LookupResult.ANOTHERS
    absent = any(phrase in error for phrase in api_response.NOT_THERE)
    return LookupResult.NOTHING if absent else LookupResult.UNKNOWN


def interpret_copy(response: ApiResponse, creative: Creative) -> tuple[Probe, int | None]:
    """Return what the copy of a forwarded message proves, and the copy's id.

    Of an album, the copy is compared with each item. The caller must delete the copy. The id is
    None if there is no copy.
    """
    answer = api_response.parse(response)
    if answer is None or not answer["ok"]:
        refused = answer is not None and response.status == HTTPStatus.BAD_REQUEST
        return replace(interpret_probe(response), answered=refused), None
    copy = answer.get("result")
    message_id = api_response.message_id(copy)
    if not isinstance(copy, dict) or message_id is None:
        return Probe(LookupResult.UNKNOWN, "200: no message in the answer"), None
    compared = [_compare(copy, content) for content in creative.messages]
    for result in (Comparison.SAME, Comparison.UNKNOWN):
        if result in compared:
            places = (place for place, each in enumerate(compared) if each is Comparison.SAME)
            return replace(_COMPARED[result], places=frozenset(places)), message_id
    return _COMPARED[Comparison.DIFFERENT], message_id


def _compare(copy: Mapping[str, Any], content: Creative) -> Comparison:
    try:
        return ad_comparison.compare(copy, content)
    except (AttributeError, TypeError, ValueError, RecursionError):
        return Comparison.UNKNOWN
