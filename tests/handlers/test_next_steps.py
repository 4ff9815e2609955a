"""Test the buttons below messages to the staff that open what a person needs next."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.callbacks import BESIDE
from bot.operator_callbacks import DrawReport, Look, ShowReport, Sight
from bot.screens import alerts, launch, next_steps, notices
from bot.screens import stop as stop_screens
from bot.screens.outgoing import Outgoing
from bot.texts import LANGUAGES, Texts
from db.models.operations import Switch
from db.models.users import Role
from services.platform.alert_conditions import CONDITIONS
from services.platform.killswitches import SwitchState
from tests.bot.test_middlewares import press, receive
from tests.handlers.marketplace import Marketplace

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return a running bot in which "admin" is also an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


def labels(screen: Outgoing) -> list[str]:
    """Return the texts of a message's buttons."""
    keyboard = screen.inline
    return [each.text for line in keyboard.inline_keyboard for each in line] if keyboard else []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda each: each.name)
def test_an_alert_has_the_buttons_of_what_comes_next(language: str, condition: Any) -> None:
    t = Texts(language, "USD")
    shown = alerts.firing(t, condition.name)
    if condition.name in ("bot_missing", "inbox_late", "database_away"):
        assert labels(shown) == []  # nobody answers a press
        return
    assert t("next-step", name="health") in labels(shown)
    own = [each.text for line in next_steps.beside(t, condition.command) for each in line]
    assert labels(shown)[: len(own)] == own
    assert shown.inline is not None
    data = [each.callback_data or "" for line in shown.inline.inline_keyboard for each in line]
    assert all(each.startswith(BESIDE) for each in data)  # the alert stays in the chat
    assert own or condition.command.startswith("adtech ")


@pytest.mark.parametrize(
    "command", sorted({c.command for c in CONDITIONS if not c.command.startswith("adtech ")})
)
async def test_the_command_of_an_alert_works_as_it_is_written(
    operated: Marketplace, command: str
) -> None:
    market = operated
    refused = "SELECT count(*) FROM user_audit_logs WHERE action = 'access_denied'"
    before = len(await market.messages("group"))
    await market.say("admin", command, where="group")
    answer = (await market.messages("group"))[before + 1 :]
    assert len(answer) == 1, answer
    assert "There is no" not in answer[0]["text"]
    assert await market.value(refused) == 0


def test_alarms_have_the_buttons_of_incidents_and_switches() -> None:
    t = Texts("en", "USD")
    rows = [{"name": "a_rule", "rows": [{"ref": 1}]}]
    stopped = SwitchState(Switch.PAYOUTS, enabled=False, missing=False, reason="x")
    criterion = {"criterion": "deadlocks", "incident_id": 1, "value": 3, "threshold": 3}
    incidents, switches = "🚨 Incidents", "🎛 All switches"
    assert {incidents, switches} <= set(labels(notices.ledger_violation(t, 1, rows)))
    assert incidents in labels(notices.audit_chain_broken(t, 1, rows))
    assert incidents in labels(notices.schema_differs(t, 1, [], freezes=True))
    assert {incidents, switches} <= set(
        labels(notices.backup_restored(t, 1, searched=0, parked=0, withdrawals=[]))
    )
    assert labels(notices.telegram_down(t, 1)) == ["🩺 Health"]
    assert labels(notices.escrow_watchdog(t, 1, [5], acting=False)) == [
        "📊 Held escrows",
        switches,
    ]
    assert labels(stop_screens.present_states(t, [stopped])) == [switches]
    assert labels(launch.criterion_met(t, criterion)) == ["🩺 Health", incidents]


async def test_the_health_is_read_again_and_leads_to_the_incidents(operated: Marketplace) -> None:
    market = operated
    await market.say("admin", "/health", where="group")
    assert (await market.last("group")).startswith("🩺 Health, ")
    assert "🚨 Incidents" not in await market.buttons("group")
    await market.give("advertiser", 10_000)
    await market.database.as_owner("ALTER TABLE wallets DISABLE TRIGGER USER")
    drift = "UPDATE wallets SET balance = balance + $1 WHERE kind = 'user' AND balance > 0"
    await market.database.as_owner(drift, 1)
    await market.press("admin", "🔄 Refresh", where="group")
    messages = len(await market.messages("group"))
    await market.say("admin", "/ledger", where="group")
    await market.press("admin", "🚨 Incidents", where="group")
    assert (await market.last("group")).startswith("🚨 Open incidents.")
    kept = (await market.messages("group"))[-2]["text"]
    assert "invariants are broken" in kept  # the list came below the result
    assert len(await market.messages("group")) == messages + 3
    await market.press("admin", "📒 Check the ledger", where="group")
    assert "invariants are broken" in await market.last("group")
    await market.say("admin", "/health", where="group")
    assert "🚨 Incidents" in await market.buttons("group")
    await market.database.as_owner(drift, -1)
    await market.database.as_owner("ALTER TABLE wallets ENABLE TRIGGER USER")


@pytest.mark.parametrize("words", ["/killswitch stop payoutz now", "/killswitch run all"])
async def test_wrong_words_lead_to_the_switches(operated: Marketplace, words: str) -> None:
    await operated.say("admin", words, where="group")
    await operated.press("admin", "🎛 All switches", where="group")
    assert (await operated.last("group")).startswith("🎛 Kill switches, ")


@pytest.mark.parametrize(
    ("pressed", "shown"),
    [
        (BESIDE + Look(what=Sight.HEALTH).pack(), "🩺 Health"),
        (Look(what=Sight.LEDGER).pack(), "every invariant holds"),
        (ShowReport().pack(), "📊 Reports"),
        (DrawReport(name="held_by_day").pack(), "📊 Held money by day"),
    ],
)
async def test_a_button_of_a_very_old_notice_shows_its_screen(
    operated: Marketplace, pressed: str, shown: str
) -> None:
    chat = {"id": operated.chat("group"), "type": "group", "title": "Admins"}
    old = {"chat": chat, "message_id": 900, "date": 0}
    await receive(operated, callback_query=press(operated, old) | {"data": pressed})
    assert shown in await operated.last("group")


async def test_a_person_without_a_role_cannot_look(market: Marketplace) -> None:
    await market.hire_newcomer("other", Role.ADMIN)
    for sight in Sight:
        answer = await market.press_forged("advertiser", Look(what=sight).pack())
        assert "admin chat" in answer
