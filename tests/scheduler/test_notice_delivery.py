"""Test that each notice is delivered, and that a chat gets its notices in order."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from bot import outages
from bot.telegram import rate_limits
from bot.telegram.rate_limiter import RateLimiter
from sandbox import embedded
from sandbox.telegram.entities import Chat
from scheduler import notice_delivery
from services.market import campaigns
from services.money import withdrawals
from services.platform import outbox as owing
from tests.factories import breakage
from tests.scheduler.scene import Scene


async def owe(scene: Scene, name: str | None, amount: int = 500) -> None:
    """Queue a notice for a person, or for the admin chat if `name` is None."""
    async with scene.database.sessions.begin() as session:
        await owing.add(
            session,
            user_id=scene.id_of(name) if name else None,
            kind="deposit_credited",
            payload={"deposit_id": 1, "amount": amount},
        )


async def owed(scene: Scene) -> list[dict[str, Any]]:
    """Return all rows of the outbox, oldest first."""
    return await scene.rows(
        "SELECT id, user_id, status, attempts, last_error, message_id, due_at > now() AS waits,"
        " extract(epoch FROM due_at - now()) AS seconds FROM outbox ORDER BY id"
    )


async def received(scene: Scene, chat: str) -> list[str]:
    """Return the texts that the bot sent to a chat."""
    bot_id = scene.world.state.bot.id
    return [m["text"] or "" for m in await scene.messages(chat) if m["from"] == bot_id]


async def test_a_notice_arrives_once_and_is_recorded(scene: Scene) -> None:
    await owe(scene, "advertiser")
    outbox_worker = scene.outbox_worker()
    await notice_delivery.deliver(outbox_worker)
    await notice_delivery.deliver(outbox_worker)
    [text] = await received(scene, "advertiser")
    assert "5.00" in text
    [row] = await owed(scene)
    assert row["status"] == "sent"
    assert row["message_id"] == (await scene.messages("advertiser"))[-1]["message_id"]


async def test_one_chat_gets_its_notices_in_order(scene: Scene) -> None:
    for amount in (100, 200, 300):
        await owe(scene, "advertiser", amount)
    await notice_delivery.deliver(scene.outbox_worker())
    texts = await received(scene, "advertiser")
    assert [next(n for n in ("1.00", "2.00", "3.00") if n in text) for text in texts] == [
        "1.00",
        "2.00",
        "3.00",
    ]


async def test_a_new_placement_comes_to_the_admin_chat_with_its_ad_and_buttons(
    scene: Scene,
) -> None:
    await scene.approve()
    await notice_delivery.deliver(scene.outbox_worker())
    ad, card = (await scene.messages("group"))[-2:]
    assert ad["text"] == "Fresh bread every morning"
    assert "Bakery" in card["text"]


async def test_both_parts_of_a_notice_arrive_together(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a notice of two messages is sent at the first attempt."""
    monkeypatch.setattr(notice_delivery, "MAX_SLOT_WAIT_SECONDS", rate_limits.PENDING_MS / 1000)
    valkey = await embedded.start_valkey(tmp_path / "valkey")
    scene.closing.append(valkey.stop)
    limiter = RateLimiter(valkey.url)
    scene.closing.append(limiter.close)
    await scene.approve()
    await notice_delivery.deliver(replace(scene.outbox_worker(), limiter=limiter))
    [row] = [row for row in await owed(scene) if row["user_id"] is None]
    assert (row["status"], row["attempts"]) == ("sent", 1)


@pytest.mark.keeps_limits
async def test_a_notice_of_two_parts_waits_until_the_minute_has_slots_for_both(
    scene: Scene,
) -> None:
    await scene.approve()
    outbox_worker = scene.outbox_worker()
    for _ in range(19):
        outbox_worker.limiter._local.record(scene.world.ids["group"])
    await notice_delivery.deliver(outbox_worker)
    [row] = [row for row in await owed(scene) if row["user_id"] is None]
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert 50 < row["seconds"] <= 60
    assert await received(scene, "group") == []


async def test_a_notice_to_somebody_who_blocked_the_bot_is_given_up(scene: Scene) -> None:
    await scene.world.control(
        f"chats/{scene.world.ids['advertiser']}/members", user_id="bot", status="kicked"
    )
    await owe(scene, "advertiser")
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker())
    blocked, other = await owed(scene)
    assert (blocked["status"], blocked["attempts"]) == ("failed", 1)
    assert "blocked" in blocked["last_error"]
    assert other["status"] == "sent"


async def test_a_429_delays_all_notices_of_its_chat(scene: Scene) -> None:
    await owe(scene, "advertiser", 100)
    await owe(scene, "advertiser", 200)
    await owe(scene, None)
    await scene.fault(
        "sendMessage",
        "error",
        chat_id=scene.world.ids["advertiser"],
        error_code=429,
        description="Too Many Requests: retry after 30",
        retry_after=30,
    )
    outbox_worker = scene.outbox_worker()
    await notice_delivery.deliver(outbox_worker)
    await notice_delivery.deliver(outbox_worker)
    first, second, other = await owed(scene)
    assert [row["status"] for row in (first, second)] == ["queued", "queued"]
    assert all(25 < row["seconds"] <= 30 for row in (first, second))
    assert other["status"] == "sent"
    assert await received(scene, "advertiser") == []


async def test_a_notice_is_tried_again_when_telegram_is_back(scene: Scene) -> None:
    await owe(scene, "advertiser")
    await notice_delivery.deliver(scene.outbox_worker(api_url="http://127.0.0.1:1"))
    [row] = await owed(scene)
    assert (row["status"], row["attempts"], row["waits"]) == ("queued", 1, True)
    await scene.database.as_owner("UPDATE outbox SET due_at = now()")
    await notice_delivery.deliver(scene.outbox_worker())
    assert len(await received(scene, "advertiser")) == 1


async def test_a_notice_that_cannot_be_rendered_delays_no_other(scene: Scene) -> None:
    async with scene.database.sessions.begin() as session:
        await owing.add(session, user_id=None, kind="from the future", payload={})
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker())
    unknown, other = await owed(scene)
    assert (unknown["status"], unknown["waits"]) == ("queued", True)
    assert other["status"] == "sent"


MOVE = "INSERT INTO moved_chats (old_chat_id, new_chat_id) VALUES ($1, $2)"


async def test_a_confirmed_new_id_of_the_admin_chat_is_used(scene: Scene) -> None:
    await scene.database.as_owner(MOVE, -77, scene.world.ids["group"])
    await breakage.run_unguarded(scene.database, "UPDATE moved_chats SET confirmed_at = now()")
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker(admin_chat_id=-77))
    assert len(await received(scene, "group")) == 1


async def test_an_alarm_arrives_before_the_move_is_confirmed(scene: Scene) -> None:
    group = scene.world.ids["group"]
    scene.world.state.add_chat(Chat(-77, "group", "Admins", migrated_to_id=group))
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker(admin_chat_id=-77))
    assert len(await received(scene, "group")) == 1


async def test_an_invented_move_gets_no_alarm(scene: Scene) -> None:
    group, strangers = scene.world.ids["group"], -1_000_000_000_099
    await scene.database.as_owner(MOVE, group, strangers)
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker())
    assert len(await received(scene, "group")) == 1


@pytest.mark.parametrize("kind", ["cut_after", "html_502", "garbage"])
async def test_a_notice_whose_answer_was_lost_is_sent_again(scene: Scene, kind: str) -> None:
    await owe(scene, "advertiser")
    await scene.fault("sendMessage", kind)
    outbox_worker = scene.outbox_worker()
    await notice_delivery.deliver(outbox_worker)
    await scene.database.as_owner("UPDATE outbox SET due_at = now()")
    await notice_delivery.deliver(outbox_worker)
    assert len(await received(scene, "advertiser")) == 2
    [row] = await owed(scene)
    assert row["status"] == "sent"


async def test_a_notice_whose_facts_cannot_be_read_delays_no_other(scene: Scene) -> None:
    """Check that a notice with an invalid id does not delay the other notices."""
    await owe(scene, "advertiser")
    async with scene.database.sessions.begin() as session:
        await owing.add(
            session, user_id=None, kind="channel_suspended", payload={"channel_id": 2**70}
        )
        await owing.add(
            session, user_id=None, kind="target_approved", payload={"target_id": 999_999}
        )
    await owe(scene, None)
    await notice_delivery.deliver(scene.outbox_worker())
    assert [row["status"] for row in await owed(scene)] == ["sent", "queued", "queued", "sent"]
    assert len(await received(scene, "advertiser")) == 1


async def test_fewer_notices_are_sent_while_ads_wait(scene: Scene) -> None:
    for _ in range(notice_delivery.BATCH_WHILE_ADS_WAIT + 2):
        await owe(scene, None)
    await notice_delivery.deliver(replace(scene.outbox_worker(), ads_wait=lambda: True))
    found = [row["status"] for row in await owed(scene)]
    assert found == ["sent"] * notice_delivery.BATCH_WHILE_ADS_WAIT + ["queued"] * 2


async def raise_alarm(scene: Scene) -> None:
    """Queue an alarm for the admin chat."""
    async with scene.database.sessions.begin() as session:
        await owing.add(
            session,
            user_id=None,
            kind="payment_parked",
            payload={"inbox_id": 1, "error": "TypeError"},
        )


@pytest.mark.keeps_limits
async def test_an_alarm_is_sent_at_once_while_ten_thousand_notices_wait(scene: Scene) -> None:
    await scene.database.as_owner(
        "INSERT INTO outbox (kind, payload) SELECT 'deposit_credited',"
        ' \'{"deposit_id": 1, "amount": 5}\' FROM generate_series(1, 10000)'
    )
    outbox_worker = scene.outbox_worker()
    group = scene.world.ids["group"]
    for _ in range(rate_limits.PER_MINUTE - rate_limits.KEPT_FOR_ALARMS):
        outbox_worker.limiter._local.record(group)
    delivery = asyncio.create_task(notice_delivery.deliver(outbox_worker))
    await asyncio.sleep(0.2)
    await raise_alarm(scene)
    async with asyncio.timeout(5):
        await notice_delivery.deliver_alarms(outbox_worker)
    outbox_worker.stopping.set()
    await delivery
    [text] = await received(scene, "group")
    assert "retry-payment" in text


@pytest.mark.keeps_limits
async def test_alarms_leave_slots_for_the_search(scene: Scene) -> None:
    await raise_alarm(scene)
    outbox_worker = scene.outbox_worker()
    for _ in range(rate_limits.PER_MINUTE - rate_limits.KEPT_FOR_SEARCHES):
        outbox_worker.limiter._local.record(scene.world.ids["group"])
    await notice_delivery.deliver_alarms(outbox_worker)
    [row] = await owed(scene)
    assert row["status"] == "queued"


@pytest.mark.keeps_limits
async def test_alarms_that_anybody_can_cause_leave_slots_for_the_others(scene: Scene) -> None:
    async with scene.database.sessions.begin() as session:
        await owing.add(
            session,
            user_id=None,
            kind="deposit_clawed_back",
            payload={"user_id": 1, "currency": "USD", "amount": 5, "recovered": 5, "loss": 0},
        )
    outbox_worker = scene.outbox_worker()
    for _ in range(rate_limits.PER_MINUTE - rate_limits.KEPT_FOR_ALARMS):
        outbox_worker.limiter._local.record(scene.world.ids["group"])
    await raise_alarm(scene)
    await notice_delivery.deliver_alarms(outbox_worker)
    assert [row["status"] for row in await owed(scene)] == ["queued", "sent"]
    [text] = await received(scene, "group")
    assert "retry-payment" in text


async def test_alarms_are_sent_while_ads_wait(scene: Scene) -> None:
    for _ in range(3):
        await owe(scene, None)
    await raise_alarm(scene)
    worker = replace(scene.outbox_worker(), ads_wait=lambda: True)
    await notice_delivery.deliver_alarms(worker)
    [text] = await received(scene, "group")
    assert "retry-payment" in text


async def test_the_channels_of_somebody_who_deleted_the_account_are_suspended(
    scene: Scene,
) -> None:
    await owe(scene, "owner")
    await scene.fault(
        "sendMessage",
        "error",
        chat_id=scene.world.ids["owner"],
        error_code=403,
        description="Forbidden: user is deactivated",
    )
    await notice_delivery.deliver(scene.outbox_worker())
    [channel] = await scene.rows("SELECT status, status_reason FROM channels")
    assert channel == {"status": "suspended", "status_reason": "owner_gone"}


async def test_an_alarm_that_failed_often_is_tried_again_within_seconds(scene: Scene) -> None:
    await raise_alarm(scene)
    await scene.database.as_owner("UPDATE outbox SET attempts = 12")
    await scene.fault("sendMessage", "error", error_code=500, description="Internal Server Error")
    await notice_delivery.deliver_alarms(scene.outbox_worker())
    [row] = await owed(scene)
    assert (row["status"], row["attempts"]) == ("queued", 13)
    assert 10 < row["seconds"] <= 15
    await scene.database.as_owner("UPDATE outbox SET due_at = now()")
    await notice_delivery.deliver_alarms(scene.outbox_worker())
    assert len(await received(scene, "group")) == 1


async def test_results_that_never_end_do_not_hold_back_a_card_for_ever(scene: Scene) -> None:
    await scene.database.as_owner(
        "INSERT INTO outbox (kind, payload) SELECT 'deposit_credited',"
        ' \'{"deposit_id": 1, "amount": 5}\' FROM generate_series(1, 1000)'
    )
    async with scene.database.sessions.begin() as session:
        payload = {"inbox_id": 1, "error": "malformed"}
        await owing.add(session, user_id=None, kind="updates_parked", payload=payload)
    await scene.database.as_owner("UPDATE outbox SET due_at = now() - id * interval '1 second'")
    worker = replace(scene.outbox_worker(), ads_wait=lambda: True)
    await notice_delivery.deliver(worker)
    assert not any("parked-updates" in text for text in await received(scene, "group"))
    await scene.database.as_owner(
        "UPDATE outbox SET created_at = created_at - interval '5 minutes',"
        " due_at = due_at - interval '1 hour' WHERE kind = 'updates_parked'"
    )
    await notice_delivery.deliver(worker)
    assert any("parked-updates" in text for text in await received(scene, "group"))


async def test_many_notices_to_one_person_do_not_delay_the_staff(scene: Scene) -> None:
    for _ in range(40):
        await owe(scene, "advertiser")
    await owe(scene, None)
    outbox_worker = scene.outbox_worker()
    delivery = asyncio.create_task(notice_delivery.deliver(outbox_worker))
    for _ in range(80):
        if arrived := await received(scene, "group"):
            break
        await asyncio.sleep(0.1)
    outbox_worker.stopping.set()
    await delivery
    assert arrived


async def test_requests_that_were_taken_back_do_not_reach_the_admin_chat(scene: Scene) -> None:
    person = scene.actors["advertiser"]
    async with scene.database.sessions.begin() as session:
        target = await campaigns.submit_target(
            session,
            actor=person,
            campaign_id=scene.campaign_id,
            channel_id=scene.channel_id,
            publish_at=None,
            fee_bps=0,
        )
        await campaigns.withdraw_target(session, actor=person, target_id=target.id)
        withdrawal = await withdrawals.request(session, actor=person, amount=1, key="w")
        await withdrawals.cancel(session, actor=person, withdrawal_id=withdrawal.id)
    await notice_delivery.deliver(scene.outbox_worker())
    assert await received(scene, "group") == []
    to_staff = [row["status"] for row in await owed(scene) if row["user_id"] is None]
    assert to_staff == ["failed", "failed"]


async def test_an_outage_of_telegram_gives_one_line_of_the_log(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "_last_lines", {})
    for name in ("advertiser", "owner", None):
        await owe(scene, name)
    await scene.fault("sendMessage", "error", error_code=500, description="down", times=9)
    with structlog.testing.capture_logs() as lines:
        await notice_delivery.deliver(scene.outbox_worker())
    assert [line["event"] for line in lines].count("Telegram send failed") == 1
    assert [row["attempts"] for row in await owed(scene)] == [1, 1, 1]
