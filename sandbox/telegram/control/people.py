"""Handle control API requests in which a person writes, presses buttons or pays."""

import asyncio
import secrets
import time

from sandbox.telegram import messages, payments, serializers, updates
from sandbox.telegram.control import buttons, chats, message_input
from sandbox.telegram.control.request import (
    ControlRequest,
    check_may_write,
    check_participant,
    find_chat,
    find_message,
)
from sandbox.telegram.entities import Chat, Message, Query, User
from sandbox.telegram.errors import ControlError
from sandbox.telegram.formatting.entity import FormattedText
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

# Real seconds that a person waits for the answer to a press or to a payment.
ANSWER_LIMIT = 10.0
# The longest time until a bank charges a payment, in real seconds.
LONGEST_CHARGE = 3600


async def add_person(request: ControlRequest) -> Json:
    """Create a Telegram user who is not a bot."""
    username = request.get("username", str)
    person = User(
        request.state.new_id(),
        request.require("first_name", str),
        username=username,
        language_code=request.get("language_code", str) or "en",
    )
    return serializers.serialize_user(request.state.add_user(person))


async def send(request: ControlRequest) -> Json:
    """Send a person's message in the private chat with the bot, or in a group."""
    state, person = request.state, request.person()
    chat = find_chat(state, request.require("chat_id", int))
    if chat.type == "channel":
        raise ControlError("a channel is written to with /control/chats/{id}/post")
    check_participant(state, chat, person)
    check_may_write(state, chat, person)
    draft = message_input.read_draft(request)
    reply_to = request.get("reply_to_message_id", int)
    if reply_to is not None:
        draft.extra["reply_to_message"] = find_message(state, chat, reply_to).body
    sender_chat = request.get("sender_chat", int)
    sender = None if sender_chat is None else _find_sender_chat(state, chat, person, sender_chat)
    if chat.type == "private":
        chats.start_private_chat(state, person)
    message = messages.post_by_person(state, chat, draft, person.id, sender)
    return message.body


def _find_sender_chat(state: State, chat: Chat, person: User, sender_chat: int) -> Chat:
    if chat.type != "supergroup":
        raise ControlError("only in a group can somebody speak as a chat")
    sender = find_chat(state, sender_chat)
    if state.member(sender.id, person.id).status not in {"creator", "administrator"}:
        raise ControlError("this person is no administrator of that chat", status=403)
    return sender


async def press(request: ControlRequest) -> Json:
    """Press a button in a person's name, and return the bot's answer, the link or the sent text.

    Raises ControlError if the button pays or asks for a channel.
    """
    state, person = request.state, request.person()
    chat = find_chat(state, request.get("chat_id", int) or person.id)
    check_participant(state, chat, person)
    message, button = _find_button(request, chat)
    if "request_chat" in button:
        raise ControlError("this button asks for a channel: use choose_channel")
    if "callback_data" in button:
        query = _send_callback_query(state, person, message, button["callback_data"])
        return await _wait_for_answer(request, query)
    if button.get("pay"):
        raise ControlError("this button pays: use pay")
    if "url" in button:
        return {"answered": False, "url": button["url"]}
    if set(button) - {"text", "style", "icon_custom_emoji_id"}:
        raise ControlError("this kind of button is not supported in the sandbox")
    sent = messages.post_by_person(
        state,
        chat,
        Draft(messages.text_fields(FormattedText(button["text"]))),
        person.id,
    )
    return {"answered": False, "sent": sent.body}


def _find_button(request: ControlRequest, chat: Chat) -> buttons.ButtonMatch:
    message_id, row, column = (request.get(name, int) for name in ("message_id", "row", "column"))
    if message_id is None or row is None or column is None:
        return buttons.find_by_text(request.state, chat, request.require("button", str), message_id)
    if min(row, column) < 0:
        raise ControlError("row and column are counted from 0")
    match = buttons.find_at(find_message(request.state, chat, message_id), row, column)
    if match[1]["text"] != request.get("button", str):
        raise ControlError("the button there has other words now", status=409)
    return match


def _send_callback_query(state: State, person: User, message: Message, data: str) -> Query:
    query = Query(
        str(secrets.randbits(62)),
        "callback",
        person.id,
        time.time(),
        message.chat_id,
        message.message_id,
    )
    state.save_query(query)
    body = {
        "id": query.id,
        "from": serializers.serialize_user(person),
        "message": message.body,
        "chat_instance": str(message.chat_id),
        "data": data,
    }
    updates.queue(state, "callback_query", body)
    return query


async def _wait_for_answer(request: ControlRequest, query: Query) -> Json:
    request.state.commit()
    wait = ANSWER_LIMIT if request.flag("wait", otherwise=True) else 0.0
    answer = await request.state.notifier.wait(lambda: query.answer, wait)
    if answer is None:
        return {"answered": False, "text": None, "show_alert": False}
    return {"answered": True, **answer}


async def choose_channel(request: ControlRequest) -> Json:
    """Choose one of the person's channels for a button that asks for a channel.

    As in Telegram, the bot becomes an administrator before it gets the message with the channel.
    `my_chat_member_last` reverses this order.
    """
    state, person = request.state, request.person()
    chat = find_chat(state, person.id)
    message, button = buttons.find_by_text(state, chat, request.require("button", str), None)
    request_chat = button.get("request_chat")
    if request_chat is None:
        raise ControlError("this button does not ask for a channel")
    channel = find_chat(state, request.require("channel_id", int))
    buttons.check_choice(state, person, channel, request_chat)
    shared: Json = {"request_id": request_chat["request_id"], "chat_id": channel.id}
    if request_chat.get("request_title"):
        shared["title"] = channel.title
    if request_chat.get("request_username") and channel.username:
        shared["username"] = channel.username
    draft = Draft({"chat_shared": shared}, service=True)
    draft.extra["reply_to_message"] = message.body
    rights = request_chat.get("bot_administrator_rights") or {}
    if request.flag("my_chat_member_last"):
        sent = messages.post_by_person(state, chat, draft, person.id)
        chats.grant_bot_rights(state, channel, person, rights)
    else:
        chats.grant_bot_rights(state, channel, person, rights)
        sent = messages.post_by_person(state, chat, draft, person.id)
    return sent.body


async def pay(request: ControlRequest) -> Json:
    """Pay an invoice in the person's private chat, if the bot accepts the payment.

    Without a `message_id`, the newest unpaid invoice is paid. An `outdated` device still shows the
    Pay button of a paid invoice, and can pay again. With `decline` the bank refuses after the bot
    has accepted, and as in Telegram the bot is not told. Otherwise the payment is made
    `charge_after` seconds after the bot has accepted it. The result's `ok` is false if the bot or
    the bank refuses, or if the bot does not answer within ANSWER_LIMIT seconds.
    """
    state, person = request.state, request.person()
    charge_after = request.get("charge_after", int) or 0
    if not 0 <= charge_after <= LONGEST_CHARGE:
        raise ControlError(f"charge_after must be from 0 to {LONGEST_CHARGE} seconds")
    invoice = _find_invoice(
        state,
        find_chat(state, person.id),
        request.get("message_id", int),
        paid_too=request.flag("outdated"),
    )
    query = payments.send_pre_checkout_query(state, invoice)
    state.commit()
    answer = await state.notifier.wait(lambda: query.answer, ANSWER_LIMIT)
    if answer is None:
        return {"ok": False, "error_message": "the bot did not answer within 10 seconds"}
    if not answer["ok"]:
        return {"ok": False, "error_message": answer["error_message"]}
    if request.flag("decline"):
        return {"ok": False, "error_message": "the bank declined the payment"}
    # The person's bank may ask the person to confirm the payment.
    await asyncio.sleep(charge_after)
    payment = payments.complete_payment(state, invoice)
    return {"ok": True, "telegram_payment_charge_id": payment.charge_id}


def _find_invoice(state: State, chat: Chat, message_id: int | None, *, paid_too: bool) -> Message:
    """Return the message with this id, or the newest invoice. A paid one has no Pay button."""
    if message_id is not None:
        match = find_message(state, chat, message_id)
        if "invoice" not in match.body:
            raise ControlError("this message is no invoice")
        if match.charge_id is not None and not paid_too:
            raise ControlError("this invoice is paid, and shows its receipt", status=409)
        return match
    for message in reversed(state.messages.get(chat.id, {}).values()):
        if "invoice" in message.body and (paid_too or message.charge_id is None):
            return message
    raise ControlError("there is no unpaid invoice in this person's chat", status=404)


async def refund_payment(request: ControlRequest) -> Json:
    """Refund a person's payment in Stars, as Telegram does after a complaint."""
    state, person = request.state, request.person()
    payment = state.payments.get(request.require("telegram_payment_charge_id", str))
    if payment is None or payment.user_id != person.id:
        raise ControlError("there is no such payment of this person", status=404)
    if payment.currency != "XTR":
        raise ControlError("Telegram only tells of refunds in Stars; this was paid otherwise")
    if payment.refunded_at is not None:
        raise ControlError("this payment was refunded before", status=409)
    payments.refund_payment(state, payment)
    return {"ok": True}
