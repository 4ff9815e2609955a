"""Interpret Telegram's answers to the deletion of a published post."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from bot.telegram import api_response
from bot.telegram.api_response import ApiResponse

NOT_THERE = "message to delete not found"


class DeletionResult(StrEnum):
    """The outcome of a request that deletes a post."""

    GONE = "gone"
    """The post was deleted now, or it was not there any more."""
    REFUSED = "refused"
    """Telegram does not let the bot delete this post."""
    NOT_MADE = "not made"
    """The post was certainly not deleted, and the bot can try again."""
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Deletion:
    """The outcome of a deletion, with Telegram's text or the class of an error."""

    result: DeletionResult
    evidence: str = ""
    retry_after: timedelta | None = None


_RESULTS: Mapping[int, DeletionResult] = {
    HTTPStatus.BAD_REQUEST: DeletionResult.REFUSED,
    HTTPStatus.FORBIDDEN: DeletionResult.REFUSED,
    HTTPStatus.UNAUTHORIZED: DeletionResult.NOT_MADE,
    HTTPStatus.NOT_FOUND: DeletionResult.NOT_MADE,
    HTTPStatus.CONFLICT: DeletionResult.NOT_MADE,
}
"""The meaning of a refusal with this HTTP status. Any other status proves nothing."""


def interpret(response: ApiResponse) -> Deletion:
    """Return what Telegram's answer to a deletion proves."""
    answer = api_response.parse(response)
    if answer is None:
        return Deletion(
            DeletionResult.UNCERTAIN, f"{response.status}: the answer could not be read"
        )
    if answer["ok"]:
        return Deletion(DeletionResult.GONE)
    error = api_response.error_text(response.status, answer)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Deletion(DeletionResult.NOT_MADE, error, api_response.retry_after(answer))
    if response.status == HTTPStatus.BAD_REQUEST and NOT_THERE in error.lower():
        return Deletion(DeletionResult.GONE, error)
    return Deletion(_RESULTS.get(response.status, DeletionResult.UNCERTAIN), error)
