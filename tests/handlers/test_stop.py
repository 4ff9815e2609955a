"""Test `/stop`, which stops everything at once, by staff and by other people."""

import asyncio

import pytest

from bot import commands, inbox_worker
from bot.screens import stop as screens
from bot.texts import Texts
from db.models.operations import Switch
from db.models.users import Role
from services.platform import killswitches
from services.platform.killswitches import StopOfAll, SwitchHolder
from tests.factories import people
from tests.handlers.marketplace import Marketplace

RUNNING = "SELECT count(*) FROM running_switches"


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return a running bot in which "admin" is also an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


@pytest.mark.parametrize("words", ["/stop odd sums", "/STOP@{bot} odd sums", "/stop"])
async def test_an_operator_stops_everything_in_one_message(
    operated: Marketplace, words: str
) -> None:
    market = operated
    async with market.database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
    bot_name = (await market.bot.me()).username
    await market.say("admin", words.format(bot=bot_name), where="group")
    answer = await market.last("group")
    assert answer.startswith("⛔ Everything is STOPPED.")
    assert "Stopped now: deposits, new_escrows, telegram_posting, " in answer
    assert "🔴 refunds: since " in answer
    assert await market.value(RUNNING) == 0
    reason = "odd sums" if "odd" in words else killswitches.NO_REASON
    stored = "SELECT reason FROM kill_switches WHERE key = 'payouts'"
    assert await market.value(stored) == reason
    await market.press("admin", "🎛 All switches", where="group")
    panel = await market.last("group")
    assert panel.count("STOPPED") == len(Switch)
    assert ("no reason was given" in panel) == (words == "/stop")


async def test_a_second_stop_says_since_when_and_why(operated: Marketplace) -> None:
    await operated.say("admin", "/stop odd sums", where="group")
    await operated.say("admin", "/killswitch stop all again", where="group")
    answer = await operated.last("group")
    assert answer.startswith("⛔ Everything was stopped already. Nothing was changed.")
    keys = ", ".join(Switch)
    assert f"🔴 {keys}: since " in answer
    assert answer.count(f"by {operated.chat('admin')} (odd sums)") == 1
    audited = "SELECT count(*) FROM user_audit_logs WHERE action = 'kill_switch_stopped'"
    assert await operated.value(audited) == len(Switch)


async def test_a_long_reason_and_a_missing_row_fit_into_the_answers(operated: Marketplace) -> None:
    await operated.database.as_owner("DELETE FROM kill_switches WHERE key = 'deposits'")
    for key in ("payouts", "refunds", "withdrawals"):
        await operated.say("admin", f"/killswitch stop {key} {key} {'ш' * 3000}", where="group")
    for words in ("/stop " + "щ" * 4000, "/stop", "/killswitch"):
        await operated.say("admin", words, where="group")
        answer = await operated.last("group")
        assert "deposits" in answer
        assert "STOPPED" in answer or "already" in answer
        assert "…" in answer


async def test_a_russian_operator_reads_russian(operated: Marketplace) -> None:
    await operated.database.as_owner("UPDATE users SET language = 'ru', language_chosen = true")
    await operated.say("admin", "/stop", where="group")
    answer = await operated.last("group")
    assert "ВСЁ ОСТАНОВЛЕНО" in answer
    assert "Everything" not in answer


async def test_a_stop_is_not_delayed_by_other_acts_of_the_staff(operated: Marketplace) -> None:
    market = operated
    await market.say("admin", "/killswitch", where="group")  # so that the bot knows the staff
    for _ in range(inbox_worker.STAFF_HANDLERS):
        await market.worker._staff_slots.acquire()
    try:
        for words in ("/health", "/stop odd sums"):
            await market.world.control(
                f"users/{market.chat('admin')}/send", chat_id=market.chat("group"), text=words
            )
        async with asyncio.timeout(10):
            while await market.value(RUNNING):
                await asyncio.sleep(0.05)
    finally:
        for _ in range(inbox_worker.STAFF_HANDLERS):
            market.worker._staff_slots.release()
    await market.settle()


async def test_each_switch_runs_by_itself(operated: Marketplace) -> None:
    await operated.say("admin", "/stop", where="group")
    await operated.say("admin", "/killswitch run all", where="group")
    assert "There is no “run all”" in await operated.last("group")
    assert await operated.value(RUNNING) == 0


async def test_somebody_without_the_role_stops_nothing(market: Marketplace) -> None:
    await market.say("admin", "/stop odd sums", where="group")
    assert "You may not do this" in await market.last("group")
    assert await market.value(RUNNING) == len(Switch)
    assert len(await market.refusals()) == 1


async def test_an_operator_stops_nothing_in_a_private_chat(operated: Marketplace) -> None:
    await operated.say("admin", "/stop odd sums")
    assert "only in the admin chat" in await operated.last("admin")
    assert await operated.value(RUNNING) == len(Switch)


@pytest.mark.parametrize("words", ["/stop", "/STOP please"])
async def test_an_advertiser_who_leaves_is_told_how(market: Marketplace, words: str) -> None:
    await market.say("advertiser", words)
    assert "block this bot in Telegram" in await market.last("advertiser")
    assert await market.refusals() == []
    assert await market.value(RUNNING) == len(Switch)


async def test_the_command_is_suggested_to_the_staff_alone() -> None:
    assert commands.STAFF.index("stop") < commands.STAFF.index("killswitch")
    assert "stop" not in commands.PEOPLE


async def test_the_answer_to_a_run_names_a_stop_that_came_meanwhile(
    operated: Marketplace,
) -> None:
    market = operated
    await market.say("admin", "/killswitch stop payouts first", where="group")
    await market.say("admin", "/killswitch run payouts", where="group")
    # The next stop is saved right after the run, before the bot reads the state for its answer.
    await market.database.as_owner(
        """
        CREATE FUNCTION stop_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO switch_stops (key, reason) VALUES ('payouts', 'second');
            RETURN NULL;
        END $$
        """
    )
    await market.database.as_owner(
        "CREATE CONSTRAINT TRIGGER stop_again AFTER UPDATE ON kill_switches DEFERRABLE INITIALLY"
        " DEFERRED FOR EACH ROW WHEN (NEW.enabled) EXECUTE FUNCTION stop_again()"
    )
    await market.database.as_owner("GRANT INSERT ON switch_stops TO PUBLIC")
    await market.press("admin", "▶️ Yes, run it: resolved", where="group")
    answer = await market.last("group")
    assert "🟢 payouts is running." in answer
    assert answer.index("Somebody has changed it meanwhile. Now:") > 0
    assert "🔴 payouts is STOPPED (second). By: the system" in answer


@pytest.mark.parametrize(("language", "more"), [("en", "9 more sessions"), ("ru", "Ещё 9 сеансов")])
def test_many_sessions_that_held_a_stop_up_do_not_fill_the_answer(language: str, more: str) -> None:
    holders = tuple(SwitchHolder(pid, "adtech_bot", "", 1.25, ended=True) for pid in range(12))
    stop = StopOfAll(stopped=tuple(Switch), before=(), holders=holders)
    answer = screens.stopped_all(Texts(language, "USD"), stop).text
    assert answer.count("adtech_bot") == 3
    assert more in answer
