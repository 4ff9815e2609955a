"""Interpret Telegram's answers during the search for an uncertain post in its channel.

An uncertain post is a post that Telegram may or may not have published.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from bot.telegram import api_response
from bot.telegram.api_response import ApiResponse
from services.market.creatives import Creative


class LookupResult(StrEnum):
    """Say what a search for an uncertain post found at one message id of a channel."""

    OURS = "ours"
    ANOTHERS = "another's"
    NOTHING = "nothing"
    """Telegram finds no message. It was deleted, never existed, or is not in Telegram's cache."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """Hold the result of a probe of one message id. The evidence is the text of Telegram."""

    result: LookupResult
    evidence: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class BotRights:
    """Hold the rights of the bot in a channel, from which the caller chooses a way to search."""

    may_post: bool
    may_edit_others: bool
    """If True, a message that is not known to be the bot's own must not be edited."""


def interpret_probe(response: ApiResponse) -> Probe:
    """Return what a probe of a message id proves, given Telegram's answer to it."""
    answer = api_response.parse(response)
    if answer is None:
        return Probe(LookupResult.UNKNOWN, f"{response.status}: the answer could not be read")
    if answer["ok"]:
        # The bot's own message had another button, because somebody had altered it.
        edited = api_response.message_id(answer.get("result"))
        return Probe(LookupResult.OURS if edited else LookupResult.UNKNOWN, "200: edited")
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
    if api_response.NOT_MODIFIED in error:
        return LookupResult.OURS
    if api_response.NOT_EDITABLE in error:
        return LookupResult.ANOTHERS
    absent = any(phrase in error for phrase in api_response.NOT_THERE)
    return LookupResult.NOTHING if absent else LookupResult.UNKNOWN


def interpret_copy(response: ApiResponse, creative: Creative) -> tuple[Probe, int | None]:
    """Return what the answer to a forward proves, and the id of the copy to delete, or None."""
    answer = api_response.parse(response)
    if answer is None or not answer["ok"]:
        probe = interpret_probe(response)
        # A message that can't be forwarded exists, but any person may have written it.
        exists = probe.result in {LookupResult.OURS, LookupResult.ANOTHERS}
        return (Probe(LookupResult.UNKNOWN, probe.evidence) if exists else probe), None
    copy = answer.get("result")
    message_id = api_response.message_id(copy)
    if not isinstance(copy, dict) or message_id is None:
        return Probe(LookupResult.UNKNOWN, "200: no message in the answer"), None
    if not creative.text.strip():
        # A picture without a caption cannot be distinguished from another picture.
        return Probe(LookupResult.UNKNOWN, "200: nothing to compare"), message_id
    shown = copy.get("text" if creative.kind == "text" else "caption") or ""
    same = isinstance(shown, str) and shown.strip() == creative.text.strip()
    same = same and (creative.kind == "text" or creative.kind in copy)
    return Probe(LookupResult.OURS if same else LookupResult.ANOTHERS, "200: forwarded"), message_id
