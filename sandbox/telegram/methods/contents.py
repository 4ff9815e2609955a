"""Implement the Bot API's methods that send contents without a text and without a file."""

import secrets
from typing import Any

from aiogram import methods

from sandbox.telegram import markup, permissions
from sandbox.telegram.errors import bad_request, unsupported
from sandbox.telegram.formatting.utf16 import utf16_length
from sandbox.telegram.method_call import MethodCall, parse_text
from sandbox.telegram.methods.sending import send
from sandbox.telegram.persistence import Json

SIDES = {
    "\N{GAME DIE}": 6,
    "\N{DIRECT HIT}": 6,
    "\N{BOWLING}": 6,
    "\N{BASKETBALL AND HOOP}": 5,
    "\N{SOCCER BALL}": 5,
    "\N{SLOT MACHINE}": 64,
}
"""The highest value of each emoji (Bot API, Dice)."""
LARGEST_LATITUDE, LARGEST_LONGITUDE = 90, 180
LEAST_OPTIONS, MOST_OPTIONS = 1, 12
MAX_QUESTION, MAX_OPTION = 300, 100
_UNSUPPORTED = (
    *("allows_revoting", "shuffle_options", "allow_adding_options", "hide_results_until_closes"),
    *("members_only", "country_codes", "close_date", "description", "media", "explanation_media"),
)
"""Options of polls that the sandbox lacks."""
LONGEST_OPEN = 2_628_000
"""How long a poll may be open, in seconds (Bot API, sendPoll)."""


def send_dice(call: MethodCall[methods.SendDice]) -> Json:
    """Send an animated emoji with a random value."""
    emoji = call.request.emoji or "\N{GAME DIE}"
    sides = SIDES.get(emoji.removesuffix("\N{VARIATION SELECTOR-16}"))
    if sides is None:
        raise bad_request("DICE_EMOTICON_INVALID")
    return send(call, {"dice": {"emoji": emoji, "value": secrets.randbelow(sides) + 1}})


def send_location(call: MethodCall[methods.SendLocation]) -> Json:
    """Send a point on the map. A live location is refused."""
    request = call.request
    if request.live_period is not None:
        raise bad_request("live_period is not supported in the sandbox")
    return send(call, {"location": _location(request)})


def send_venue(call: MethodCall[methods.SendVenue]) -> Json:
    """Send a place with its name and address."""
    request = call.request
    for name in ("title", "address"):
        if not getattr(request, name).strip():
            raise bad_request(f"venue {name} must be non-empty")
    names = (
        *("title", "address", "foursquare_id", "foursquare_type"),
        *("google_place_id", "google_place_type"),
    )
    venue: Json = {name: getattr(request, name) for name in names if getattr(request, name)}
    venue["location"] = _location(request)
    return send(call, {"location": venue["location"], "venue": venue})


def _location(request: Any) -> Json:
    if abs(request.latitude) > LARGEST_LATITUDE or abs(request.longitude) > LARGEST_LONGITUDE:
        raise bad_request("wrong latitude or longitude specified")
    location: Json = {"latitude": request.latitude, "longitude": request.longitude}
    if getattr(request, "horizontal_accuracy", None):
        location["horizontal_accuracy"] = request.horizontal_accuracy
    return location


def send_contact(call: MethodCall[methods.SendContact]) -> Json:
    """Send a person's name and telephone number."""
    request = call.request
    if not request.first_name.strip():
        raise bad_request("first name must be non-empty")
    names = ("phone_number", "first_name", "last_name", "vcard")
    contact = {name: getattr(request, name) for name in names if getattr(request, name)}
    return send(call, {"contact": contact})


def send_poll(call: MethodCall[methods.SendPoll]) -> Json:
    """Send a poll, in which nobody votes yet."""
    request = call.request
    for name in _UNSUPPORTED:
        if getattr(request, name):
            raise unsupported(name)
    kind = request.type or "regular"
    if kind not in {"regular", "quiz"}:
        raise bad_request("invalid poll type specified")
    question = parse_text(
        call.state, request.question, request.question_parse_mode, request.question_entities
    )
    if not question.text:
        raise bad_request("poll question must be non-empty")
    if utf16_length(question.text) > MAX_QUESTION:
        raise bad_request(f"poll question length must not exceed {MAX_QUESTION}")
    poll: Json = {
        "id": str(call.state.new_id()),
        "question": question.text,
        "options": [_option(call, option) for option in request.options],
        "total_voter_count": 0,
        "is_closed": bool(request.is_closed),
        "is_anonymous": request.is_anonymous is not False,
        "type": kind,
        "allows_multiple_answers": bool(request.allows_multiple_answers),
    }
    if question.entities:
        poll["question_entities"] = question.entities
    if not LEAST_OPTIONS <= len(poll["options"]) <= MOST_OPTIONS:
        raise bad_request(f"poll must have from {LEAST_OPTIONS} to {MOST_OPTIONS} options")
    poll |= _quiz(call, poll) if kind == "quiz" else {}
    if request.open_period is not None:
        if not 0 < request.open_period <= LONGEST_OPEN:
            raise bad_request("wrong open_period specified")
        poll["open_period"] = request.open_period
    return send(call, {"poll": poll})


def _option(call: MethodCall[methods.SendPoll], option: Any) -> Json:
    if isinstance(option, str):
        text, mode, entities = option, None, None
    else:
        text, mode, entities = option.text, option.text_parse_mode, option.text_entities
    formatted = parse_text(call.state, text, mode, entities)
    if not formatted.text:
        raise bad_request("poll options must be non-empty")
    if utf16_length(formatted.text) > MAX_OPTION:
        raise bad_request(f"poll options length must not exceed {MAX_OPTION}")
    view: Json = {
        "persistent_id": secrets.token_hex(4),
        "text": formatted.text,
        "voter_count": 0,
    }
    return view | ({"text_entities": formatted.entities} if formatted.entities else {})


def _quiz(call: MethodCall[methods.SendPoll], poll: Json) -> Json:
    request = call.request
    right = request.correct_option_ids
    if right is None:
        right = [] if request.correct_option_id is None else [request.correct_option_id]
    if not right or not set(right) <= set(range(len(poll["options"]))):
        raise bad_request("wrong correct option ID specified")
    found: Json = {"correct_option_id": right[0], "correct_option_ids": sorted(set(right))}
    explanation = parse_text(
        call.state,
        request.explanation,
        request.explanation_parse_mode,
        request.explanation_entities,
    )
    if explanation.text:
        found["explanation"] = explanation.text
        if explanation.entities:
            found["explanation_entities"] = explanation.entities
    return found


def stop_poll(call: MethodCall[methods.StopPoll]) -> Json:
    """Close a poll of the bot, and return the poll."""
    request = call.request
    inline = markup.inline_keyboard(request.reply_markup)
    message = permissions.find_editable_message(call.state, request.chat_id, request.message_id)
    poll = message.body.get("poll")
    if poll is None:
        raise bad_request("there is no poll in the message to stop")
    if poll["is_closed"]:
        raise bad_request("poll has already been closed")
    closed: Json = poll | {"is_closed": True}
    message.body = {
        name: value for name, value in message.body.items() if name != "reply_markup"
    } | {"poll": closed}
    if inline:
        message.body["reply_markup"] = inline
    call.state.save_message(message)
    return closed
