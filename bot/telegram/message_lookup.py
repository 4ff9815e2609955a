"""Interpret Telegram's answers during the search for a possibly published post."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

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


@dataclass(frozen=True)
class BotRights:
    """The bot's rights in a channel."""

    may_post: bool
    may_edit_others: bool
    """Whether the bot is allowed to edit the messages of others."""


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

    The caller must delete the copy. The id is None if there is no copy.
    """
    answer = api_response.parse(response)
    if answer is None or not answer["ok"]:
        refused = answer is not None and response.status == HTTPStatus.BAD_REQUEST
        return replace(interpret_probe(response), answered=refused), None
    copy = answer.get("result")
    message_id = api_response.message_id(copy)
    if not isinstance(copy, dict) or message_id is None:
        return Probe(LookupResult.UNKNOWN, "200: no message in the answer"), None
    try:
        comparison = ad_comparison.compare(copy, creative)
    except (AttributeError, TypeError, ValueError, RecursionError):
        comparison = ad_comparison.Comparison.UNKNOWN
    return _COMPARED[comparison], message_id
