"""Test that an answer that is given late has its buttons, and that nobody can invent buttons."""

import json

import pytest

from bot import kept_buttons
from bot.callbacks import Moderate, ModerationAct
from bot.screens.outgoing import Outgoing, button, rows
from db.models.operations import OutboxMessage
from db.models.users import Role
from tests.bot.test_lost_answers import FLOOD, deliver_late
from tests.handlers.marketplace import Marketplace

TOKEN = "1:token"
KEYBOARD = rows([button("Approve", Moderate(act=ModerationAct.APPROVE, id=1))])
SENT = Outgoing("text")


async def test_a_late_answer_has_the_buttons_of_the_answer(market: Marketplace) -> None:
    await market.submitted()
    await market.say("admin", "/queue", where="group")
    shown = await market.buttons("group")
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("admin", "/queue", where="group")
    await deliver_late(market)
    assert "in time" in await market.last("group")
    assert await market.buttons("group") == shown
    await market.press("admin", shown[0], where="group")
    assert "Bakery" in await market.last("group")


async def test_a_late_button_asks_for_the_role_again(market: Marketplace) -> None:
    await market.employ("admin", Role.OPERATOR)
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.say("admin", "/report", where="group")
    await deliver_late(market)
    await market.database.as_owner(
        "ALTER TABLE user_roles DISABLE TRIGGER USER;"
        " DELETE FROM user_roles WHERE role = 'operator';"
        " ALTER TABLE user_roles ENABLE TRIGGER USER"
    )
    assert await market.press("admin", "Counts", where="group")
    assert "📊 Counts (" not in await market.last("group")


async def test_a_late_question_has_its_picker(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.world.control("faults", method="sendMessage", **FLOOD)
    await market.press("owner", "➕ Connect a channel", wait=False)  # noqa: RUF001 - the button's text
    await market.settle()
    await deliver_late(market)
    await market.pick("owner", "channel")
    assert "is connected" in str((await market.messages("owner"))[-2]["text"])


def row(user_id: int | None = None, **changed: object) -> OutboxMessage:
    """Return an outbox row for the admin chat with the text "text" and KEYBOARD."""
    payload = kept_buttons.keep(TOKEN, None, {"text": "text"}, KEYBOARD) | changed
    stored = json.loads(json.dumps(payload))
    return OutboxMessage(kind="answer_lost", user_id=user_id, payload=stored)


def test_the_kept_buttons_are_those_of_the_answer() -> None:
    assert kept_buttons.add(TOKEN, row(), SENT).keyboard == KEYBOARD


@pytest.mark.parametrize(
    "invented",
    [
        row(user_id=5),
        row(text="another"),
        row(buttons={"inline_keyboard": [[{"text": "Read", "callback_data": "x"}]]}),
        row(signature="0" * 64),
        row(signature=None),
        row(keyboard="reply"),
        row(keyboard="unknown"),
    ],
)
def test_invented_buttons_are_not_sent(invented: OutboxMessage) -> None:
    assert kept_buttons.add(TOKEN, invented, SENT) is SENT
    assert kept_buttons.add("2:another", row(), SENT) is SENT
    other_kind = row()
    other_kind.kind = "updates_parked"
    assert kept_buttons.add(TOKEN, other_kind, SENT) is SENT
