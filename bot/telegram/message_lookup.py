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
    """What a search for an uncertain post found at one message id of a channel."""

    OURS = "ours"
    ANOTHERS = "another's"
    NOTHING = "nothing"
    """Telegram finds no message. It was deleted, never existed, or is not in Telegram's cache."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """The result of a probe of one message id.

    `evidence` is Telegram's text or the class of an error.
    """

    result: LookupResult
    evidence: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class BotRights:
    """The bot's rights in a channel.

    The caller chooses a way to search the channel by these rights.
    """

    may_post: bool
    may_edit_others: bool
    """If True, no message may be edited as a probe, because the edit could change another person's
    post."""


def interpret_probe(response: ApiResponse) -> Probe:
    """Return what Telegram's answer to a probe of one message id proves."""
    answer = api_response.parse(response)
    if answer is None:
        return Probe(LookupResult.UNKNOWN, f"{response.status}: the answer could not be read")
    if answer["ok"]:
        # Only the bot's own message can be edited. It had another button, because somebody had
        # altered it.
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
    """Return what Telegram's answer to a forward proves, and the id of the copy or None.

    The caller must delete the copy. The id is None if there is no copy.
    """
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
