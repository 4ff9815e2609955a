"""Test that each press of a button is answered exactly one time, whatever the button says."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import itertools
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest
from aiogram import Router
from aiogram.filters.callback_data import CallbackData, CallbackQueryFilter
from aiogram.methods import AnswerCallbackQuery
from aiogram_dialog.utils import CB_SEP

from bot import storing_updates
from bot.callbacks import BESIDE
from bot.throttle import Throttle
from db.models.operations import Switch
from db.models.users import Role
from handlers import routers
from tests.handlers.marketplace import Marketplace

MOST_VALUES = 12
"""Of an enumeration with more members, only the first ones are pressed."""


def registered(router: Router) -> Iterator[type[CallbackData]]:
    """Yield the class of callback data of each handler of a router and the routers below it."""
    for handler in router.callback_query.handlers:
        for each in handler.filters or ():
            if isinstance(each.callback, CallbackQueryFilter):
                yield each.callback.callback_data
    for child in router.sub_routers:
        yield from registered(child)


def values(kind: type[CallbackData], name: str) -> list[Any]:
    """Return the values of a field to press: all members of an enumeration, or real ids."""
    annotation = kind.model_fields[name].annotation
    options = get_args(annotation) or (annotation,)
    if isinstance(options[0], type) and issubclass(options[0], Enum):
        return list(options[0])[:MOST_VALUES]
    if bool in options:
        return [False, True]
    if int in options:
        return [1]
    if str in options:
        return [Switch.PAYOUTS.value if name == "key" else "text"]
    return list(options)


def presses(kind: type[CallbackData]) -> Iterator[str]:
    """Yield the data of presses: each choice, a foreign version and id, beside, and malformed."""
    fields = list(kind.model_fields)
    every = [values(kind, name) for name in fields]
    for chosen in itertools.product(*every):
        yield kind(**dict(zip(fields, chosen, strict=True))).pack()
    packed = kind(**{name: found[0] for name, found in zip(fields, every, strict=True)}).pack()
    yield packed.replace(":1", ":0")
    yield packed.replace(":1", f":{2**62}")
    yield packed.replace(":1", ":999999")
    yield BESIDE + packed
    yield f"{packed}:more"
    yield packed.rpartition(":")[0]
    yield packed.replace(":1", ":x") + "\u2067'"


class Answers:
    """The middleware of Telegram's client that counts the answers to each press."""

    def __init__(self) -> None:
        self.by_press: Counter[str] = Counter()

    async def __call__(self, make_request: Any, bot: Any, method: Any) -> Any:
        """Note an answer. The presses of this test are unknown to the sandbox."""
        if isinstance(method, AnswerCallbackQuery):
            self.by_press[method.callback_query_id] += 1
            return True
        return await make_request(bot, method)


def query(market: Marketplace, number: int, who: str, data: str, *, is_old: bool) -> dict[str, Any]:
    """Return an update with a press. The message of an old press has no content any more."""
    where = "group" if who == "admin" else who
    chat = {"id": market.chat(where), "type": "group" if where == "group" else "private"}
    button = {"text": "button", "callback_data": data}
    message = {
        "message_id": 1_000_000 + number,
        "date": 0 if is_old else 1,
        "chat": chat | ({"title": "Admins"} if where == "group" else {}),
        "from": {"id": market.bot.id, "is_bot": True, "first_name": "Bot"},
        "text": "text",
        "reply_markup": {"inline_keyboard": [[button]]},
    }
    if is_old:
        message = {key: message[key] for key in ("message_id", "date", "chat")}
    return {
        "update_id": 1_000_000 + number,
        "callback_query": {
            "id": str(number),
            "from": {"id": market.chat(who), "is_bot": False, "first_name": who},
            "chat_instance": "1",
            "data": data,
            "message": message,
        },
    }


@pytest.fixture
async def answers(with_own_login: Marketplace) -> Answers:
    """Count the answers in a marketplace with one placement, whose staff have every role."""
    market = with_own_login
    await market.submitted()
    await market.give("advertiser", 10_000)
    for role in (Role.OPERATOR, Role.SUPER_ADMIN):
        await market.employ("admin", role)
    market.dependencies.throttle = market.worker._throttle = Throttle(per_minute=1_000_000)
    counted = Answers()
    market.bot.session.middleware(counted)
    return counted


async def press_all(market: Marketplace, updates: list[dict[str, Any]]) -> None:
    """Let the bot receive all presses, and wait until they are handled."""
    await storing_updates.store(market.database.sessions, updates)
    market.worker.wake()
    await market.settle()


async def test_each_press_is_answered_one_time(
    with_own_login: Marketplace, answers: Answers
) -> None:
    market = with_own_login
    kinds = sorted(set(registered(routers.dispatcher())), key=lambda kind: kind.__prefix__)
    assert len(kinds) > 50
    sent: dict[str, str] = {}
    for kind in kinds:
        updates = []
        for data in presses(kind):
            for who in ("advertiser", "owner", "admin"):
                number = len(sent)
                sent[str(number)] = f"{who} {data}"
                updates.append(query(market, number, who, data, is_old=False))
        number, data = len(sent), next(presses(kind))
        sent[str(number)] = f"old {data}"
        updates.append(query(market, number, "advertiser", data, is_old=True))
        await press_all(market, updates)
    wrong = {sent[number]: answers.by_press[number] for number in sent}
    assert {data: count for data, count in wrong.items() if count != 1} == {}


async def test_each_press_in_a_form_is_answered_one_time(
    with_own_login: Marketplace, answers: Answers
) -> None:
    """Press the buttons of a form that is open, closed, unknown and malformed."""
    market = with_own_login
    await market.say("advertiser", "/start")
    for button in ("📣 Campaigns", "➕ New campaign"):
        await market.world.control(
            f"users/{market.chat('advertiser')}/press",
            chat_id=market.chat("advertiser"),
            button=button,
            wait=False,
        )
        await market.settle()
    form = (await market.messages("advertiser"))[-1]
    shown = market.world.state.find_message(market.chat("advertiser"), form["message_id"])
    assert shown is not None
    cancel = shown.body["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    answers.by_press.clear()
    unknown = f"aaaaaa{CB_SEP}cancel"
    buttons = [f"{cancel}x", unknown, f"{CB_SEP}", f"{cancel.partition(CB_SEP)[0]}{CB_SEP}"]
    buttons += [cancel, cancel]
    updates = [
        query(market, number, "advertiser", data, is_old=number % 2 == 1 and data != cancel)
        for number, data in enumerate(buttons)
    ]
    await press_all(market, updates)
    assert answers.by_press == {str(number): 1 for number in range(len(buttons))}
