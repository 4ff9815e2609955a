"""Test the launch by pressing its buttons, in a fresh sandbox world."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot import http
from bot.screens import launch as screens
from bot.screens import launch_findings
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import Sender
from bot.texts import LANGUAGES, Texts
from db.models.users import Role
from sandbox import embedded
from scheduler import dispatch, rollback_watch, settlements, watchdogs
from scheduler.breaker import Breaker
from scheduler.dispatch import PostingWorker
from services.launch.gate import Launch, StepState
from services.launch.rollback_limits import DEFAULTS
from services.launch.steps import SIGN_OFF, SIGNERS, STEPS, Step
from services.market import complaints
from services.platform import heartbeats
from tests.conftest import checked_database
from tests.factories import people
from tests.handlers.marketplace import NO_REDIS, Marketplace, open_marketplace
from tests.kept_databases import KeptDatabases
from tests.sandbox.telegram.raw_world import BOT_TOKEN

AGAIN = "🔄 Check again"


@pytest.fixture
async def fresh(kept_databases: KeptDatabases, tmp_path: Path) -> AsyncIterator[Marketplace]:
    """Yield a running bot with Redis and its HTTP server, in a database with stopped switches."""
    async with (
        checked_database(kept_databases, embedded.DATABASE) as database,
        embedded.valkey(tmp_path / "valkey") as valkey,
        open_marketplace(database, tmp_path, redis_url=valkey.url) as market,
    ):
        runner = web.AppRunner(http.application(market.dependencies, market.worker))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        market.dependencies.settings = market.dependencies.settings.model_copy(
            update={
                "http_port": runner.addresses[0][1],
            }
        )
        await market.employ("admin", Role.OPERATOR)
        await market.employ("admin", Role.ADMIN)
        yield market
        await runner.cleanup()


async def press(market: Marketplace, button: str, who: str = "admin") -> str:
    """Press a button in the admin chat, and return the alert."""
    return await market.press(who, button, where="group")


async def run_switch(market: Marketplace, key: str) -> None:
    """Run the switch that the newest screen of the launch offers, and check again."""
    screen = await market.last("group")
    assert "❌" in screen
    assert f"+{key}" in screen
    await press(market, f"▶️ Run {key}")
    await press(market, "▶️ Yes, run it: launch")
    await press(market, "🚀 Back to the launch")
    await press(market, AGAIN)


async def publish(market: Marketplace) -> None:
    """Publish the due posts, as the scheduler does."""
    sender = Sender(token=BOT_TOKEN, api_url=market.world.url, seconds=5)
    limiter = RateLimiter(NO_REDIS)
    worker = PostingWorker(
        market.database.sessions,
        sender,
        limiter,
        Breaker(),
        "scheduler-1",
        people.LEASE,
        asyncio.Event(),
    )
    await dispatch.dispatch(worker)
    await asyncio.gather(*worker.under_way)
    await sender.close()
    await limiter.close()


async def buy_placement(market: Marketplace) -> None:
    """Let an owner and an advertiser do with buttons what phase 2 asks for."""
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await market.database.as_owner("UPDATE channels SET promised_hours = 0")
    await market.say("advertiser", "/start")
    await market.give("advertiser", 5_000)
    await market.make_campaign()
    await market.submit()


async def check_blocked_payout(market: Marketplace) -> None:
    """Begin phase 4, and check again after the time for complaints, which moves no money."""
    before = await market.everything()
    await press(market, "▶️ Begin phase 4")
    assert "until the promised hours and the time for complaints" in await market.last("group")
    payable_at = await market.value("SELECT sent_at FROM post_jobs") + complaints.WINDOW
    assert f"due: 0 ({payable_at:%Y-%m-%d %H:%M} UTC)" in await market.last("group")
    await market.database.forward(complaints.WINDOW)
    await press(market, AGAIN)
    assert "✅ payouts blocks a payout that is due" in await market.last("group")
    assert await market.everything() == before


async def test_a_fresh_world_is_launched_phase_by_phase(fresh: Marketplace) -> None:
    market = fresh
    await market.say("admin", "/launch", where="group")
    assert "not begun" in await market.last("group")
    await press(market, "▶️ Begin phase 0")
    assert "✅ every kill switch is stopped" in await market.last("group")
    await press(market, "▶️ Begin phase 1")
    assert "Found: the scheduler" in await market.last("group")
    async with market.database.sessions.begin() as session:
        for name in (heartbeats.SCHEDULER, heartbeats.BOT):
            await heartbeats.beat(session, owner=f"{name}-1", name=name)
    await press(market, AGAIN)
    assert "This phase has passed" in await market.last("group")

    await press(market, "▶️ Begin phase 2")
    await run_switch(market, "deposits")
    assert "In the bot: connect a channel" in await market.last("group")
    await buy_placement(market)
    before = await market.everything()
    await market.say("admin", "/launch", where="group")
    await press(market, AGAIN)
    assert "✅ new_escrows blocks the hold" in await market.last("group")
    assert await market.everything() == before

    await press(market, "▶️ Begin phase 3")
    await run_switch(market, "refunds")
    await run_switch(market, "new_escrows")
    assert "Approve the waiting placement" in await market.last("group")
    await press(market, "✅ Approve")
    await market.say("admin", "/launch", where="group")
    await press(market, AGAIN)
    await run_switch(market, "telegram_posting")
    await run_switch(market, "worker_post")
    await publish(market)
    await press(market, AGAIN)

    await check_blocked_payout(market)

    await press(market, "▶️ Begin phase 5")
    await run_switch(market, "payouts")
    await settlements.release_due(market.database.sessions)
    assert await market.balance("owner") == 4_500
    await press(market, AGAIN)
    for key in ("withdrawals", "adjustments", "worker_watchdogs"):
        await run_switch(market, key)
    assert "Found: 30 min" in await market.last("group")
    await market.database.forward(timedelta(minutes=30))
    await watchdogs.check_ledger(market.database.sessions)
    await press(market, AGAIN)
    assert (
        "Still to sign, each role by another person: deployment engineer, on-call"
        in await market.last("group")
    )
    await sign_by_three(market)


async def sign_by_three(market: Marketplace) -> None:
    """Let three people sign, and let one of them try it twice."""
    roles = ("deployment engineer", "on-call engineer", "engineering manager")
    await market.hire_newcomer("second", Role.OPERATOR)
    assert "only 2 people may still sign" in await show(market)
    await market.hire_newcomer("third", Role.OPERATOR)
    assert "may still sign" not in await show(market)
    for who, role in zip(("admin", "second", "third"), roles, strict=True):
        await market.say(who, "/launch", where="group")
        await press(market, f"✍️ Sign: {role}", who)
        assert f"sign the launch as {role}" in await market.last("group")
        await press(market, "✍️ Yes, I sign", who)
        if who == "admin":
            await press(market, f"✍️ Sign: {roles[1]}")
            assert "signed the launch already" in str(await press(market, "✍️ Yes, I sign"))
            assert await signatures(market) == 1
    assert "criteria of a rollback are watched" in await market.last("group")
    assert await signatures(market) == 3


async def show(market: Marketplace) -> str:
    """Let the admin ask for the launch, and return the screen."""
    await market.say("admin", "/launch", where="group")
    return await market.last("group")


async def signatures(market: Marketplace) -> int:
    """Return how many people have signed, each in another role."""
    return int(
        await market.value(
            "SELECT least(count(DISTINCT user_id), count(DISTINCT step)) FROM launch_runs"
            " WHERE phase = 6 AND passed"
        )
    )


async def test_an_old_button_says_that_the_phase_has_passed(fresh: Marketplace) -> None:
    market = fresh
    await market.say("admin", "/launch", where="group")
    await press(market, "▶️ Begin phase 0")
    alert = await market.press_forged("admin", "launch:next:0:", where="group")
    assert "Phase 0 has passed already" in alert
    alert = await market.press_forged("admin", "launch:check:0:", where="group")
    assert "Phase 0 has passed already" in alert
    alert = await market.press_forged("admin", "launch:next:3:", where="group")
    assert "has a check that has not passed (still_stopped)" in alert
    assert await market.value("SELECT count(*) FROM launch_runs") == 3


async def test_only_operators_see_and_press(fresh: Marketplace) -> None:
    market = fresh
    await market.hire_newcomer("moderator", Role.ADMIN)
    await market.say("moderator", "/launch", where="group")
    assert "🚀" not in await market.last("group")
    for data in ("launch:next:0:", "launch:check:0:", "launch_sign:on_call_engineer"):
        await market.press_forged("moderator", data, where="group")
    await market.say("admin", "/launch")
    assert await market.value("SELECT count(*) FROM launch_runs") == 0


async def test_a_met_criterion_is_told_in_the_admin_chat(market: Marketplace) -> None:
    for role in SIGNERS:
        await market.database.as_owner(
            "INSERT INTO launch_runs (phase, step, passed, evidence) VALUES (6, $1, true, '{}')",
            role,
        )
    await market.database.as_owner("INSERT INTO failure_counts VALUES ('deadlock', now(), 3)")
    await rollback_watch.watch(market.database.sessions, timedelta(hours=24), DEFAULTS)
    await market.deliver()
    told = [message["text"] or "" for message in await market.messages("group")]
    met = "criterion of a rollback is met: deadlocks: 3 within"
    (alarm,) = [text for text in told if met in text]
    assert "Type first: /health" in alarm
    stopped = "🔴 payouts is STOPPED (a criterion of a rollback is met). By: the system"
    assert sum(stopped in text for text in told) == 1
    await market.employ("admin", Role.OPERATOR)
    await market.say("admin", "/incidents", where="group")
    assert "a criterion of a rollback is met" in await market.last("group")


@pytest.mark.parametrize(
    ("found", "english", "russian"),
    [
        ("pending: 0", "placements that wait: 0", "ожидающие размещения: 0"),
        ("price > 50000", "the price is above $500.00", "цена больше 500,00\u00a0$"),
        ("balance < price", "the advertiser has less money", "меньше денег, чем стоит"),
        ("no answer", "no answer", "нет ответа"),
        ("queued", "waits to be published", "ждёт публикации"),
        ("success, held", "published, the money is held", "опубликовано, деньги удержаны"),
        ("campaigns: 2, post_jobs: 1", "active campaigns: 2, posts", "активные кампании: 2, ожид"),
        ("due: 0 (2026-01-02 03:04 UTC)", "due: 0 (2026-01-02 03:04 UTC)", "пора: 0 (2026-01-02"),
        ("21 min", "21 min are left", "осталось 21 мин"),
        ("ledger checks: 0", "checks of the ledger: 0", "проверки книги: 0"),
        ("transfer 7", "transfer 7 was made", "перевод 7 сделан"),
        ("+payouts, -refunds", "+payouts, -refunds", "+payouts, -refunds"),
    ],
)
def test_what_a_check_found_is_said_in_words(found: str, english: str, russian: str) -> None:
    assert english in launch_findings.show(Texts("en", "USD"), found)
    assert russian in launch_findings.show(Texts("ru", "USD"), found)


async def test_a_switch_that_must_not_run_leads_to_the_switches(fresh: Marketplace) -> None:
    await fresh.database.as_owner("UPDATE kill_switches SET enabled = true WHERE key = 'refunds'")
    await fresh.say("admin", "/launch", where="group")
    await press(fresh, "▶️ Begin phase 0")
    assert "Found: -refunds" in await fresh.last("group")
    assert await fresh.buttons("group") == [
        "⛔ Stop refunds",
        AGAIN,
        "🎛 All switches",
    ]
    await press(fresh, "🎛 All switches")
    assert "🟢 refunds: running" in await fresh.last("group")


def test_only_the_switches_that_are_wrong_have_buttons() -> None:
    t = Texts("en", "USD")
    wanted = next(step for step in STEPS if step.name == "refunds_running")
    number = STEPS.index(wanted)
    states = [StepState(each, passed=True) for each in STEPS[:number]]
    states.append(StepState(wanted, passed=False, found="+refunds, -payouts"))
    states += [StepState(each) for each in STEPS[number + 1 :]]
    keyboard = screens.overview(t, Launch(states)).inline
    assert keyboard is not None
    assert [line[0].text for line in keyboard.inline_keyboard] == [
        *("▶️ Run refunds", "⛔ Stop payouts", AGAIN, "🎛 All switches"),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_check_has_a_name_and_says_what_to_do(language: str, step: Step) -> None:
    t = Texts(language, "USD")
    number = STEPS.index(step)
    states = [
        StepState(each, passed=True if index < number else False if index == number else None)
        for index, each in enumerate(STEPS)
    ]
    shown = screens.overview(t, Launch(states)).text
    assert "{" not in shown
    assert t("launch-check", name=step.name) != step.name
    assert t("launch", phase="signed") not in shown
    if step.phase != SIGN_OFF:
        assert "❌" in shown
        assert "👉" in shown
