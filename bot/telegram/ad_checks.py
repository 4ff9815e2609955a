"""Interpret Telegram's answers when a check edits a published ad to its approved content."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from bot.telegram import ad_messages, api_response
from bot.telegram.api_response import ApiResponse
from bot.telegram.message_lookup import LookupResult, Probe
from db.models.posting import AdPart, Verdict
from services.market.creatives import Creative
from services.posts.media_comparison import EDITED_ONCE, NOT_COMPARED

EDITED_TWICE = (AdPart.MEDIA, AdPart.PREVIEW)
"""The parts that Telegram may not compare, so that a check repeats an edit that has succeeded."""


@dataclass(frozen=True)
class CheckResult:
    """The result of a check of a post. `evidence` is Telegram's text or the class of an error."""

    verdict: Verdict
    evidence: str
    retry_after: timedelta | None = None
    loss: str | None = None
    """Why the bot can no longer post in the channel. None means no known reason."""
    altered_parts: tuple[AdPart, ...] = ()
    restored: bool = True
    """False if no edit can undo the alteration."""


def steps(
    message_ids: Sequence[int], creative: Creative, *, restore: bool
) -> Iterator[tuple[int, Creative, AdPart | None]]:
    """Yield the steps of a check of a post: a message id, its content, and a part of the content.

    Without `restore`, each message is only looked for, and the part is None. Raises ValueError if
    the ad has another number of messages.
    """
    for message_id, content in zip(message_ids, creative.messages, strict=True):
        if restore:
            for part in ad_messages.parts(content, in_album=bool(creative.items)):
                yield message_id, content, part
        else:
            yield message_id, content, None


def interpret(response: ApiResponse, part: AdPart) -> CheckResult:
    """Return what Telegram's answer to an edit proves about the edited part of an ad."""
    answer = api_response.parse(response)
    if answer is None:
        return CheckResult(Verdict.UNKNOWN, f"{response.status}: the answer could not be read")
    if answer["ok"]:
        if api_response.message_id(answer.get("result")) is None:
            return CheckResult(Verdict.UNKNOWN, "200: no message in the answer")
        return CheckResult(Verdict.ALTERED, "200: edited", altered_parts=(part,))
    return _interpret_error(response.status, answer)


def _interpret_error(status: int, answer: dict[str, Any]) -> CheckResult:
    error = api_response.error_text(status, answer)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return CheckResult(Verdict.UNKNOWN, error, retry_after=api_response.retry_after(answer))
    lowered = error.lower() if status == HTTPStatus.BAD_REQUEST else ""
    if api_response.NOT_MODIFIED in lowered:
        return CheckResult(Verdict.PRESENT, error)
    if any(absent in lowered for absent in api_response.NOT_THERE):
        return CheckResult(Verdict.GONE, error)
    if any(phrase in lowered for phrase in api_response.OTHER_KIND):
        # A person has changed a text to a message with media. Telegram has no way to undo this.
        return CheckResult(Verdict.ALTERED, error, altered_parts=(AdPart.MEDIA,), restored=False)
    return CheckResult(Verdict.UNKNOWN, error, loss=api_response.loss_reason(error))


def interpret_probe(probe: Probe) -> CheckResult:
    """Return what a probe proves about a published post. A probe does not compare the content."""
    verdict = {LookupResult.CANDIDATE: Verdict.PRESENT, LookupResult.NOTHING: Verdict.GONE}.get(
        probe.result, Verdict.UNKNOWN
    )
    loss = api_response.loss_reason(probe.evidence)
    return CheckResult(verdict, probe.evidence, probe.retry_after, loss)


def interpret_repeated(first: CheckResult, second: CheckResult) -> CheckResult:
    """Return what two equal edits of a part prove if the first edit has succeeded.

    If the second edit changes nothing, the result is `first`. If the second edit succeeds too,
    Telegram does not compare this part, and the result is PRESENT. If the post is gone at the
    second edit, the result is `second`. If the second edit has no clear answer, the result is
    `first` with evidence that says so (EDITED_ONCE).
    """
    if second.verdict is Verdict.PRESENT:
        return first
    if second.verdict is Verdict.ALTERED:
        return CheckResult(Verdict.PRESENT, NOT_COMPARED)
    if second.verdict is Verdict.GONE:
        return second
    return replace(
        first,
        evidence=f"{EDITED_ONCE}: {second.evidence}",
        retry_after=second.retry_after,
        loss=second.loss,
    )


def combine(results: Sequence[CheckResult], *, complete: bool) -> CheckResult | None:
    """Combine the results for the parts of an ad into one result.

    `results` are in the order of the edits. `complete` is False if some parts could not be edited.
    Returns None if parts are missing and the other parts show no problem.
    """
    altered = [result for result in results if result.verdict is Verdict.ALTERED]
    if not results or not (complete or altered or results[-1].verdict is not Verdict.PRESENT):
        return None
    last = results[-1]
    evidence = "; ".join(dict.fromkeys(result.evidence for result in altered or results))
    if not altered:
        return CheckResult(last.verdict, evidence, last.retry_after, last.loss)
    return CheckResult(
        Verdict.ALTERED,
        evidence,
        last.retry_after,
        last.loss,
        tuple(dict.fromkeys(part for result in altered for part in result.altered_parts)),
        restored=all(result.restored for result in altered),
    )
