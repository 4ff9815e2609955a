"""Implement the Bot API's methods that answer callback and pre-checkout queries."""

import time

from aiogram import methods

from sandbox.telegram.entities import Query
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.state import State

MAX_ANSWER = 200
# Real seconds. Telegram does not document how long a callback query can be answered. For
# pre-checkout queries it documents 10 seconds.
CALLBACK_SECONDS = 30
CHECKOUT_SECONDS = 10
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def _find_open_query(state: State, question_id: str, kind: str, seconds: float) -> Query:
    query = state.queries.get(question_id)
    if (
        query is None
        or query.kind != kind
        or query.answer is not None
        or time.time() - query.asked_at > seconds
    ):
        raise bad_request(TOO_OLD)
    return query


def answer_callback_query(call: MethodCall[methods.AnswerCallbackQuery]) -> bool:
    """Save the bot's answer for a person who pressed a button."""
    request = call.request
    if len(request.text or "") > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    query = _find_open_query(call.state, request.callback_query_id, "callback", CALLBACK_SECONDS)
    query.answer = {
        "text": request.text,
        "show_alert": bool(request.show_alert),
        "url": request.url,
    }
    call.state.save_query(query)
    return True


def answer_pre_checkout_query(call: MethodCall[methods.AnswerPreCheckoutQuery]) -> bool:
    """Save the bot's answer whether a payment may continue."""
    request = call.request
    if not request.ok and not request.error_message:
        raise bad_request("error message is empty")
    query = _find_open_query(
        call.state, request.pre_checkout_query_id, "pre_checkout", CHECKOUT_SECONDS
    )
    query.answer = {"ok": request.ok, "error_message": request.error_message}
    call.state.save_query(query)
    return True
