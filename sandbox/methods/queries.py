"""Answers to callback and pre-checkout queries."""

import time

from aiogram import methods

from sandbox.entities import Question
from sandbox.errors import bad_request
from sandbox.method_call import MethodCall
from sandbox.state import State

MAX_ANSWER = 200
# Real seconds. Telegram does not say how long a callback query can be answered; pre-checkout
# queries have these ten.
CALLBACK_SECONDS = 30
CHECKOUT_SECONDS = 10
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def _open_question(state: State, question_id: str, kind: str, seconds: float) -> Question:
    question = state.questions.get(question_id)
    if (
        question is None
        or question.kind != kind
        or question.answer is not None
        or time.time() - question.asked_at > seconds
    ):
        raise bad_request(TOO_OLD)
    return question


def answer_callback_query(call: MethodCall[methods.AnswerCallbackQuery]) -> bool:
    """What the person sees after a press."""
    request = call.request
    if len(request.text or "") > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    question = _open_question(call.state, request.callback_query_id, "callback", CALLBACK_SECONDS)
    question.answer = {
        "text": request.text,
        "show_alert": bool(request.show_alert),
        "url": request.url,
    }
    call.state.save_question(question)
    return True


def answer_pre_checkout_query(call: MethodCall[methods.AnswerPreCheckoutQuery]) -> bool:
    """Whether the payment may go on."""
    request = call.request
    if not request.ok and not request.error_message:
        raise bad_request("error message is empty")
    question = _open_question(
        call.state, request.pre_checkout_query_id, "pre_checkout", CHECKOUT_SECONDS
    )
    question.answer = {"ok": request.ok, "error_message": request.error_message}
    call.state.save_question(question)
    return True
