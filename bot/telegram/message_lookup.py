"""What is found at an id of a channel where an uncertain ad may be."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from bot.telegram import api_response
from bot.telegram.api_response import ApiResponse
from services.market.creatives import Creative


class LookupResult(StrEnum):
    """What is at an id of a channel where an uncertain ad may be."""

    OURS = "ours"
    ANOTHERS = "another's"
    NOTHING = "nothing"
    """A hole, or the end; it can be a stale cache."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """What a probe of one id found; the evidence is Telegram's own words."""

    trace: LookupResult
    evidence: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class BotRights:
    """What the bot may do in a channel."""

    may_post: bool
    may_edit_others: bool
    """Then an id that is not known to be the bot's own must not be edited."""


def interpret_probe(reply: ApiResponse) -> Probe:
    """What an answer to a probe of an id proves."""
    answer = api_response.parse(reply)
    if answer is None:
        return Probe(LookupResult.UNKNOWN, f"{reply.status}: the answer could not be read")
    if answer["ok"]:
        # An own message that had another button: somebody had altered it.
        edited = api_response.message_id(answer.get("result"))
        return Probe(LookupResult.OURS if edited else LookupResult.UNKNOWN, "200: edited")
    words = api_response.error_text(reply.status, answer)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Probe(LookupResult.UNKNOWN, words, retry_after=api_response.retry_after(answer))
    trace = (
        _trace(words.lower()) if reply.status == HTTPStatus.BAD_REQUEST else LookupResult.UNKNOWN
    )
    return Probe(trace, words)


def _trace(words: str) -> LookupResult:
    if api_response.NOT_MODIFIED in words:
        return LookupResult.OURS
    if api_response.NOT_EDITABLE in words:
        return LookupResult.ANOTHERS
    absent = any(phrase in words for phrase in api_response.NOT_THERE)
    return LookupResult.NOTHING if absent else LookupResult.UNKNOWN


def interpret_copy(reply: ApiResponse, creative: Creative) -> tuple[Probe, int | None]:
    """What a forwarded message proves, and the id of the copy to take away."""
    answer = api_response.parse(reply)
    if answer is None or not answer["ok"]:
        probe = interpret_probe(reply)
        # What can't be forwarded is there, and may be anybody's.
        known = probe.trace in {LookupResult.NOTHING, LookupResult.UNKNOWN}
        return (probe if known else Probe(LookupResult.UNKNOWN, probe.evidence)), None
    copy = answer.get("result")
    message_id = api_response.message_id(copy)
    if not isinstance(copy, dict) or message_id is None:
        return Probe(LookupResult.UNKNOWN, "200: no message in the answer"), None
    if not creative.text.strip():
        # A picture without a word: nothing to tell it by from another.
        return Probe(LookupResult.UNKNOWN, "200: nothing to compare"), message_id
    shown = copy.get("text" if creative.kind == "text" else "caption") or ""
    same = isinstance(shown, str) and shown.strip() == creative.text.strip()
    same = same and (creative.kind == "text" or creative.kind in copy)
    return Probe(LookupResult.OURS if same else LookupResult.ANOTHERS, "200: forwarded"), message_id
