"""What people do in their own chats: write, press, choose a channel, pay."""

import secrets
import time

from sandbox import formatting, messages, payments, serializers, updates
from sandbox.control import buttons, chats, message_input
from sandbox.control.world import Order, find_chat, find_message, participant
from sandbox.entities import Chat, Question, Stored, User
from sandbox.errors import ControlError
from sandbox.messages import Draft
from sandbox.persistence import Json
from sandbox.state import State

# Real seconds that a person looks at a spinning button, or at a payment.
PATIENCE = 10.0


async def add(order: Order) -> Json:
    """A new person."""
    username = order.get("username", str)
    person = User(
        order.state.new_id(),
        order.need("first_name", str),
        username=username,
        language_code=order.get("language_code", str) or "en",
    )
    return serializers.user(order.state.add_user(person))


async def send(order: Order) -> Json:
    """A message in a private chat with the bot, or in a group."""
    state, person = order.state, order.person()
    place = find_chat(state, order.need("chat_id", int))
    if place.type == "channel":
        raise ControlError("a channel is written to with /control/chats/{id}/post")
    participant(state, place, person)
    draft = message_input.from_order(order)
    reply_to = order.get("reply_to_message_id", int)
    if reply_to is not None:
        draft.extra["reply_to_message"] = find_message(state, place, reply_to).body
    sender_chat = order.get("sender_chat", int)
    speaker = None if sender_chat is None else _speaker(state, place, person, sender_chat)
    if place.type == "private":
        chats.start_private(state, person)
    stored = messages.post_by_person(state, place, draft, person.id, speaker)
    return stored.body


def _speaker(state: State, place: Chat, person: User, sender_chat: int) -> Chat:
    """The chat in whose name somebody speaks: the group itself, or a channel of theirs."""
    if place.type != "supergroup":
        raise ControlError("only in a group can somebody speak as a chat")
    speaker = find_chat(state, sender_chat)
    if state.member(speaker.id, person.id).status not in {"creator", "administrator"}:
        raise ControlError("this person is no administrator of that chat", status=403)
    return speaker


async def press(order: Order) -> Json:
    """A button by its text: of the newest message that has it, else of the reply keyboard."""
    state, person = order.state, order.person()
    place = find_chat(state, order.get("chat_id", int) or person.id)
    participant(state, place, person)
    stored, button = _button(order, place)
    if "request_chat" in button:
        raise ControlError("this button asks for a channel: use choose_channel")
    if "callback_data" in button:
        question = _ask(state, person, stored, button["callback_data"])
        return await _answer(order, question)
    if button.get("pay"):
        raise ControlError("this button pays: use pay")
    if "url" in button:
        return {"answered": False, "url": button["url"]}
    if set(button) - {"text", "style", "icon_custom_emoji_id"}:
        raise ControlError("this kind of button is not supported in the sandbox")
    sent = messages.post_by_person(
        state, place, Draft(messages.text_fields(formatting.Rich(button["text"]))), person.id
    )
    return {"answered": False, "sent": sent.body}


def _button(order: Order, place: Chat) -> buttons.Found:
    """The button meant: by its words, or by `row` and `column` in the message `message_id`."""
    message_id, row, column = (order.get(name, int) for name in ("message_id", "row", "column"))
    if message_id is None or row is None or column is None:
        return buttons.find(order.state, place, order.need("button", str), message_id)
    if min(row, column) < 0:
        raise ControlError("row and column are counted from 0")
    found = buttons.at(find_message(order.state, place, message_id), row, column)
    if found[1]["text"] != order.get("button", str):
        raise ControlError("the button there has other words now", status=409)
    return found


def _ask(state: State, person: User, stored: Stored, data: str) -> Question:
    question = Question(
        str(secrets.randbits(62)),
        "callback",
        person.id,
        time.time(),
        stored.chat_id,
        stored.message_id,
    )
    state.save_question(question)
    body = {
        "id": question.id,
        "from": serializers.user(person),
        "message": stored.body,
        "chat_instance": str(stored.chat_id),
        "data": data,
    }
    updates.queue(state, "callback_query", body)
    return question


async def _answer(order: Order, question: Question) -> Json:
    """Wait for the bot's answer to a press, unless the person does not care."""
    order.state.commit()
    wait = PATIENCE if order.flag("wait", otherwise=True) else 0.0
    answer = await order.state.pulse.wait(lambda: question.answer, wait)
    if answer is None:
        return {"answered": False, "text": None, "show_alert": False}
    return {"answered": True, **answer}


async def choose_channel(order: Order) -> Json:
    """Choose one of the person's channels for a button that asks for one.

    As in Telegram's picker the bot becomes an administrator with the rights that the button
    asks for, and only then the choice is sent; `my_chat_member_last` turns these around.
    """
    state, person = order.state, order.person()
    place = find_chat(state, person.id)
    stored, button = buttons.find(state, place, order.need("button", str), None)
    wanted = button.get("request_chat")
    if wanted is None:
        raise ControlError("this button does not ask for a channel")
    channel = find_chat(state, order.need("channel_id", int))
    buttons.check_choice(state, person, channel, wanted)
    shared: Json = {"request_id": wanted["request_id"], "chat_id": channel.id}
    if wanted.get("request_title"):
        shared["title"] = channel.title
    if wanted.get("request_username") and channel.username:
        shared["username"] = channel.username
    draft = Draft({"chat_shared": shared}, service=True)
    draft.extra["reply_to_message"] = stored.body
    rights = wanted.get("bot_administrator_rights") or {}
    if order.flag("my_chat_member_last"):
        sent = messages.post_by_person(state, place, draft, person.id)
        chats.grant(state, channel, person, rights)
    else:
        chats.grant(state, channel, person, rights)
        sent = messages.post_by_person(state, place, draft, person.id)
    return sent.body


async def pay(order: Order) -> Json:
    """Pay an invoice of the person's private chat: the newest, or that of `message_id`."""
    state, person = order.state, order.person()
    invoice = _invoice(state, find_chat(state, person.id), order.get("message_id", int))
    question = payments.ask_before_checkout(state, invoice)
    state.commit()
    answer = await state.pulse.wait(lambda: question.answer, PATIENCE)
    if answer is None:
        return {"ok": False, "error_message": "the bot did not answer within 10 seconds"}
    if not answer["ok"]:
        return {"ok": False, "error_message": answer["error_message"]}
    payment = payments.complete(state, invoice)
    return {"ok": True, "telegram_payment_charge_id": payment.charge_id}


def _invoice(state: State, place: Chat, message_id: int | None) -> Stored:
    if message_id is not None:
        found = find_message(state, place, message_id)
        if "invoice" not in found.body:
            raise ControlError("this message is no invoice")
        return found
    for stored in sorted(
        state.messages.get(place.id, {}).values(), key=lambda row: row.message_id, reverse=True
    ):
        if "invoice" in stored.body:
            return stored
    raise ControlError("there is no invoice in this person's chat", status=404)


async def refund_payment(order: Order) -> Json:
    """Take a payment in Stars back, as Telegram does on a person's complaint."""
    state, person = order.state, order.person()
    payment = state.payments.get(order.need("telegram_payment_charge_id", str))
    if payment is None or payment.user_id != person.id:
        raise ControlError("there is no such payment of this person", status=404)
    if payment.currency != "XTR":
        raise ControlError("Telegram only tells of refunds in Stars; this was paid otherwise")
    if payment.refunded_at is not None:
        raise ControlError("this payment was refunded before", status=409)
    payments.refund(state, payment)
    return {"ok": True}
