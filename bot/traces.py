"""What is found at an id of a channel where an uncertain ad may be."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from bot import replies
from bot.replies import Reply
from services.creatives import Creative


class Trace(StrEnum):
    """What is at an id of a channel where an uncertain ad may be."""

    OURS = "ours"
    ANOTHERS = "another's"
    NOTHING = "nothing"
    """A hole, or the end; it can be a stale cache."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """What a probe of one id found; the evidence is Telegram's own words."""

    trace: Trace
    evidence: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Standing:
    """What the bot may do in a channel."""

    may_post: bool
    may_edit_others: bool
    """Then an id that is not known to be the bot's own must not be edited."""


def judge_probe(reply: Reply) -> Probe:
    """What an answer to a probe of an id proves."""
    answer = replies.readable(reply)
    if answer is None:
        return Probe(Trace.UNKNOWN, f"{reply.status}: the answer could not be read")
    if answer["ok"]:
        # An own message that had another button: somebody had altered it.
        edited = replies.message_id(answer.get("result"))
        return Probe(Trace.OURS if edited else Trace.UNKNOWN, "200: edited")
    words = replies.words(reply.status, answer)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Probe(Trace.UNKNOWN, words, retry_after=replies.retry_after(answer))
    trace = _trace(words.lower()) if reply.status == HTTPStatus.BAD_REQUEST else Trace.UNKNOWN
    return Probe(trace, words)


def _trace(words: str) -> Trace:
    if replies.NOT_MODIFIED in words:
        return Trace.OURS
    if replies.NOT_EDITABLE in words:
        return Trace.ANOTHERS
    absent = any(phrase in words for phrase in replies.NOT_THERE)
    return Trace.NOTHING if absent else Trace.UNKNOWN


def judge_copy(reply: Reply, creative: Creative) -> tuple[Probe, int | None]:
    """What a forwarded message proves, and the id of the copy to take away."""
    answer = replies.readable(reply)
    if answer is None or not answer["ok"]:
        probe = judge_probe(reply)
        # What can't be forwarded is there, and may be anybody's.
        known = probe.trace in {Trace.NOTHING, Trace.UNKNOWN}
        return (probe if known else Probe(Trace.UNKNOWN, probe.evidence)), None
    copy = answer.get("result")
    message_id = replies.message_id(copy)
    if not isinstance(copy, dict) or message_id is None:
        return Probe(Trace.UNKNOWN, "200: no message in the answer"), None
    if not creative.text.strip():
        # A picture without a word: nothing to tell it by from another.
        return Probe(Trace.UNKNOWN, "200: nothing to compare"), message_id
    shown = copy.get("text" if creative.kind == "text" else "caption") or ""
    same = isinstance(shown, str) and shown.strip() == creative.text.strip()
    same = same and (creative.kind == "text" or creative.kind in copy)
    return Probe(Trace.OURS if same else Trace.ANOTHERS, "200: forwarded"), message_id
