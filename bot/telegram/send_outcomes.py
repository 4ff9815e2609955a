"""Define the outcomes of the send of an ad, and read them from Telegram's answer."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from bot.telegram import api_response
from bot.telegram.api_response import ApiResponse


@dataclass(frozen=True)
class Sent:
    """The ad was published in the channel. `message_id` is the id of the post."""

    message_id: int
    other_ids: tuple[int, ...] = ()
    """The ids of an album's other messages, in the order of its items."""


@dataclass(frozen=True)
class Refused:
    """Telegram refused to publish the ad, or the ad's request cannot be built."""

    error: str
    rights_lost: bool
    gone: bool = False
    """True if the channel is gone or private."""


@dataclass(frozen=True)
class NotSent:
    """The ad is certainly not in the channel, for another reason than its content."""

    error: str
    counts: bool
    """True if this outcome counts as an attempt of the post job."""
    retry_after: timedelta | None = None
    stop_all: bool = False
    """True if every other send would fail too, for example after a wrong token."""


@dataclass(frozen=True)
class Uncertain:
    """The ad may or may not be in the channel."""

    error: str


SendOutcome = Sent | Refused | NotSent | Uncertain


def interpret_send(response: ApiResponse, items: int = 0) -> SendOutcome:
    """Return what Telegram's answer to a send proves. `items` is the number of an album's items.

    A refusal of an album is a refusal of all its messages: the Bot API server sends them with one
    call. An answer without the id of each message is uncertain.
    """
    answer = api_response.parse(response)
    if answer is None:
        return Uncertain(f"{response.status}: the answer could not be read")
    if answer["ok"]:
        ids = api_response.sent_ids(answer.get("result"), items)
        return Sent(ids[0], ids[1:]) if ids else Uncertain("200: no whole post in the answer")
    error = api_response.error_text(response.status, answer)
    match response.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotSent(error, counts=False, retry_after=api_response.retry_after(answer))
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            loss = api_response.loss_reason(error)
            gone = loss == api_response.GONE
            return Refused(error, rights_lost=loss is not None and not gone, gone=gone)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND | HTTPStatus.CONFLICT:
            return NotSent(error, counts=True, stop_all=True)
        case _:
            return Uncertain(error)
