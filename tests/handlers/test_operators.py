"""Test the operators' commands in the admin chat."""

from datetime import UTC, datetime

import pytest

from bot.screens import notices
from bot.screens import operators as screens
from bot.screens import stop as stop_screens
from bot.texts import LANGUAGES, Texts
from db.models.operations import Incident, Switch
from db.models.users import Role
from sandbox import prepare
from services.money import incidents
from services.platform import killswitches
from services.platform.killswitches import SwitchState
from tests.handlers.marketplace import Marketplace

WORDS = (incidents.FREEZE_REASON, killswitches.CREATED_STOPPED, prepare.REASON)
"""The reasons that the product itself stores with kill switches."""
AT = datetime(2026, 1, 2, tzinfo=UTC)
CLOSE, SURE_CLOSE = "✅ Repaired, close #1", "✅ Yes, close it"


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return a running bot in which "admin" is also an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


async def enabled(market: Marketplace, key: Switch) -> bool:
    """Return True if a kill switch allows its operations."""
    return bool(
        await market.value(
            "SELECT EXISTS (SELECT FROM running_switches WHERE key = :key)", key=key.value
        )
    )


async def test_a_switch_is_stopped_with_a_reason_and_run_after_a_question(
    operated: Marketplace,
) -> None:
    market = operated
    await market.say("admin", "/killswitch", where="group")
    assert "🟢 payouts: running" in await market.last("group")
    await market.press("admin", "⛔ Stop payouts", where="group")
    assert await enabled(market, Switch.PAYOUTS)
    await market.press("admin", "drill", where="group")
    assert "payouts is STOPPED" in await market.last("group")
    assert not await enabled(market, Switch.PAYOUTS)
    await market.press("admin", "🎛 All switches", where="group")
    assert "🔴 payouts: STOPPED (drill)" in await market.last("group")
    await market.press("admin", "▶️ Run payouts", where="group")
    assert not await enabled(market, Switch.PAYOUTS)
    await market.press("admin", "▶️ Yes, run it: drill is over", where="group")
    assert await enabled(market, Switch.PAYOUTS)
    notices = await market.rows(
        "SELECT payload FROM outbox WHERE kind = 'switch_changed' ORDER BY id"
    )
    assert [row["payload"]["enabled"] for row in notices if row["payload"]["key"] == "payouts"][
        -2:
    ] == [False, True]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("word", [*WORDS, "my own_words"])
def test_only_the_products_own_reasons_are_translated(language: str, word: str) -> None:
    t = Texts(language, "USD")
    state = SwitchState(Switch.PAYOUTS, enabled=False, missing=False, reason=word)
    told = stop_screens.present_states(t, [state])
    for shown in (screens.panel(t, [state], AT).text, told.text):
        assert (word in shown) == (word not in WORDS)


def test_the_products_own_reasons_are_russian_for_a_russian_reader() -> None:
    t = Texts("ru", "USD")
    said = [t("switch-reason", reason=word) for word in WORDS]
    assert said == [
        "инварианты книги нарушены",
        "новый, ещё не запускался",
        "первый запуск песочницы",
    ]


async def test_commands_stop_at_once_and_run_after_a_question(operated: Marketplace) -> None:
    market = operated
    await market.say("admin", "/killswitch stop telegram_posting odd posts", where="group")
    assert "telegram_posting is STOPPED" in await market.last("group")
    assert not await enabled(market, Switch.TELEGRAM_POSTING)
    await market.say("admin", "/killswitch run telegram_posting", where="group")
    assert not await enabled(market, Switch.TELEGRAM_POSTING)
    await market.press("admin", "▶️ Yes, run it: resolved", where="group")
    assert await enabled(market, Switch.TELEGRAM_POSTING)


async def test_a_second_press_does_not_undo_a_newer_stop(operated: Marketplace) -> None:
    market = operated
    await market.say("admin", "/killswitch stop payouts odd posts", where="group")
    await market.say("admin", "/killswitch run payouts", where="group")
    question = (await market.messages("group"))[-1]["message_id"]
    await market.say("admin", "/killswitch run payouts", where="group")
    await market.press("admin", "▶️ Yes, run it: resolved", where="group")
    await market.say("admin", "/killswitch stop payouts a new fraud", where="group")
    for running in (False, True):
        answer = await market.press(
            "admin", "▶️ Yes, run it: resolved", where="group", message_id=question
        )
        assert ("stopped again" in (answer or "")) is not running
        assert await enabled(market, Switch.PAYOUTS) is running


@pytest.mark.parametrize("verb", ["on", "off"])
async def test_on_and_off_are_answered_with_a_question(operated: Marketplace, verb: str) -> None:
    market = operated
    await market.say("admin", f"/killswitch {verb} payouts", where="group")
    assert "payouts to channel owners" in await market.last("group")
    assert await market.buttons("group") == ["⛔ Stop payouts", "▶️ Run payouts"]
    assert await enabled(market, Switch.PAYOUTS)


async def test_an_unknown_switch_is_answered_with_the_usage(operated: Marketplace) -> None:
    await operated.say("admin", "/killswitch stop everything now", where="group")
    said = "❔ “/killswitch stop everything now” is no command. Nothing was changed. Usage:\n"
    assert (await operated.last("group")).startswith(said)


async def test_capital_letters_do_not_refuse_a_stop(operated: Marketplace) -> None:
    await operated.say("admin", "/Killswitch Stop Payouts Odd Sums", where="group")
    assert (await operated.last("group")).startswith("🔴 payouts is STOPPED.")
    assert await operated.value("SELECT reason FROM kill_switches WHERE key = 'payouts'") == (
        "Odd Sums"
    )
    await operated.say("admin", "/health", where="group")
    _title, stopped, *_ = (await operated.last("group")).splitlines()
    assert stopped.startswith("🔴 STOPPED: payouts. ")


async def test_an_admin_without_the_operators_role_cannot_set_switches(market: Marketplace) -> None:
    await market.say("admin", "/killswitch stop payouts because", where="group")
    assert "staff role" in await market.last("group")
    assert await enabled(market, Switch.PAYOUTS)


async def test_staff_commands_do_nothing_in_a_private_chat(operated: Marketplace) -> None:
    for command in ("/killswitch stop payouts x", "/queue", "/health", "/ledger"):
        await operated.say("admin", command)
        assert "admin chat" in await operated.last("admin"), command
    assert await enabled(operated, Switch.PAYOUTS)
    assert len(await operated.refusals()) == 4


async def test_an_anonymous_admin_has_no_role(operated: Marketplace) -> None:
    await operated.say(
        "admin", "/killswitch stop payouts x", where="group", sender_chat=operated.chat("group")
    )
    assert "Turn off anonymity" in await operated.last("group")
    assert await enabled(operated, Switch.PAYOUTS)


async def test_health_and_ledger_are_shown(operated: Marketplace) -> None:
    await operated.say("admin", "/health", where="group")
    assert "payouts: running" in await operated.last("group")
    assert "✅ the database" in await operated.last("group")
    await operated.say("admin", "/ledger", where="group")
    assert "every invariant holds" in await operated.last("group")


async def test_other_messages_in_the_admin_chat_get_no_answer(market: Marketplace) -> None:
    before = len(await market.messages("group"))
    await market.say("admin", "Good morning", where="group")
    assert len(await market.messages("group")) == before + 1


def test_the_question_names_an_incident_as_its_list_does() -> None:
    # After a restore, new ids begin a million higher.
    assert screens.confirm_close(Texts("en", "USD"), 1_000_001).text.startswith(
        "Close incident 1000001?"
    )


async def test_an_incident_is_closed_by_one_operator_and_run_by_another(
    operated: Marketplace,
) -> None:
    market = operated
    await market.give("advertiser", 10_000)
    await market.say("admin", "/incidents", where="group")
    assert "No incident is open" in await market.last("group")
    await market.database.as_owner("ALTER TABLE wallets DISABLE TRIGGER USER")
    drift = "UPDATE wallets SET balance = balance + $1 WHERE kind = 'user' AND balance > 0"
    await market.database.as_owner(drift, 1)
    await market.say("admin", "/ledger", where="group")
    assert "invariants are broken" in await market.last("group")
    assert not await enabled(market, Switch.PAYOUTS)
    await market.say("admin", "/incidents", where="group")
    await market.press("admin", CLOSE, where="group")
    assert "It never opens again" in await market.last("group")
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", CLOSE, where="group")
    alert = await market.press("admin", SURE_CLOSE, where="group")
    assert "an invariant is still broken" in alert
    assert await market.value("SELECT closed_at FROM incidents") is None
    await market.database.as_owner(drift, -1)
    await market.database.as_owner("ALTER TABLE wallets ENABLE TRIGGER USER")
    alert = await market.press("admin", SURE_CLOSE, where="group")
    assert "Wait two minutes for the scheduled check" in alert
    async with market.database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    await market.press("admin", SURE_CLOSE, where="group")
    closed, rest = (await market.last("group")).splitlines()
    assert closed.startswith("✅ Incident 1 is closed. Now another person than you runs the")
    assert rest == "✅ No incident is open."
    await market.say("admin", "/killswitch run payouts", where="group")
    await market.press("admin", "▶️ Yes, run it: resolved", where="group")
    assert not await enabled(market, Switch.PAYOUTS)


async def test_an_operator_allows_a_new_file_of_the_audit_chain(operated: Marketplace) -> None:
    files = "SELECT count(*) FROM audit_chain_files WHERE added_by IS NOT NULL"
    await operated.say("admin", "/chainfile", where="group")
    assert "allow a new file: /chainfile new" in await operated.last("group")
    assert await operated.value(files) == 0
    await operated.say("admin", "/chainfile new", where="group")
    assert "may begin one new file" in await operated.last("group")
    await operated.say("admin", "/chainfile new", where="group")
    assert "allowed already" in await operated.last("group")
    assert await operated.value(files) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_list_of_incidents_fits_into_a_message(language: str) -> None:
    details = {f"a_broken_rule_{n}": [{"ref": 10**12 + ref} for ref in range(9)] for n in range(9)}
    opened = [
        Incident(id=10**6 + n, kind="ledger_violation", opened_at=AT, details=details)
        for n in range(50)
    ]
    shown = screens.incidents(Texts(language, "USD"), opened)
    assert len(shown.text) < 4096
    assert shown.text.count("a_broken_rule_0") == 20


def test_the_notices_about_the_files_of_the_audit_chain_name_them() -> None:
    for language in LANGUAGES:
        t = Texts(language, "USD")
        named = {
            name: notices.audit_chain_broken(
                t, 1, [{"name": f"audit_chain_file_{name}", "rows": [{"ref": "a/links"}]}]
            ).text
            for name in ("shrunk", "unknown", "unusable", "locked")
        }
        assert len(set(named.values())) == len(named)
        assert all("a/links" in text and "audit_chain" not in text for text in named.values())
        added = [notices.audit_chain_file_added(t, "a name", by).text for by in (None, 7)]
        assert ["7" in text for text in added] == [False, True]
        assert all("a name" in text for text in added)


async def test_a_mistyped_command_is_answered_in_the_admin_chat(operated: Marketplace) -> None:
    await operated.say("admin", "/killswich stop payouts now", where="group")
    assert "I do not know this command. Nothing was done" in await operated.last("group")
    await operated.say("admin", "/help", where="group")
    assert "/killswitch: Stop or run" in await operated.last("group")
    before = len(await operated.messages("group"))
    await operated.say("admin", "/help@another_bot", where="group")
    await operated.say("admin", "/killswich@another_bot", where="group")
    assert len(await operated.messages("group")) == before + 2


async def test_somebody_without_a_role_gets_no_answer_to_such_a_command(
    operated: Marketplace,
) -> None:
    await operated.say("advertiser", "/start")
    await operated.world.control(
        f"chats/{operated.chat('group')}/members",
        user_id=operated.chat("advertiser"),
        status="member",
    )
    before = len(await operated.messages("group"))
    for command in ("/help", "/killswich"):
        await operated.say("advertiser", command, where="group")
    assert len(await operated.messages("group")) == before + 2
