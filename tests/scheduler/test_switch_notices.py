"""Test that notices about kill switches say the present state, and that the newest comes last."""

import asyncio
import itertools

import pytest

from db.models.operations import Switch
from db.models.users import Role
from scheduler import notice_delivery
from services.platform import killswitches, outbox, users
from services.platform.actors import SYSTEM
from services.platform.priorities import Priority
from tests.factories import people
from tests.scheduler.scene import Scene
from tests.scheduler.test_notice_delivery import received

STOPPED, RUNNING = "🔴 payouts is STOPPED", "🟢 payouts is running"


@pytest.fixture
async def quiet(scene: Scene) -> Scene:
    """Return a scene without notices in its outbox."""
    await scene.database.as_owner("DELETE FROM outbox")
    return scene


async def _set(scene: Scene, *, enabled: bool, key: Switch = Switch.PAYOUTS) -> None:
    async with scene.database.sessions.begin() as session:
        await people.set_switch(session, key, enabled=enabled)


async def _told(scene: Scene) -> list[str]:
    """Return the beginnings of the texts in the admin chat, without repetitions."""
    texts = [text.partition(" (")[0] for text in await received(scene, "group")]
    return [text for text, _ in itertools.groupby(texts)]


async def _open(scene: Scene) -> int:
    [row] = await scene.rows("SELECT count(*) AS open FROM outbox WHERE status = 'queued'")
    return int(row["open"])


async def _let_waits_end(scene: Scene) -> None:
    await scene.database.as_owner("UPDATE outbox SET due_at = now() WHERE status = 'queued'")


async def test_a_late_notice_states_the_present_state(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await _set(quiet, enabled=False, key=Switch.REFUNDS)
    await _set(quiet, enabled=True)
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == ["🔴 refunds is STOPPED", RUNNING]
    assert await _open(quiet) == 0


async def test_a_notice_says_who_changed_the_switch_why_and_when(quiet: Scene) -> None:
    async with quiet.database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        telegram_id = (await users.get(session, operator.user_id or 0)).telegram_id
        await killswitches.stop_all(session, actor=operator, reason="odd sums")
    await quiet.database.as_owner("DELETE FROM outbox WHERE kind <> 'switch_changed'")
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    [text] = await received(quiet, "group")
    assert text.startswith("🔴 STOPPED: deposits, refunds, new_escrows, ")
    assert f"(odd sums). By: {telegram_id}, " in text
    assert text.endswith("UTC")


async def test_the_admin_chat_reads_russian_if_all_staff_do(quiet: Scene) -> None:
    async with quiet.database.sessions.begin() as session:
        await people.staff(session, Role.ADMIN)
    everybody = "UPDATE users SET language = 'ru'"
    some = "UPDATE users SET language = 'ru' WHERE id = (SELECT min(user_id) FROM user_roles)"
    for change, said in ((some, STOPPED), (everybody, "🔴 payouts ОСТАНОВЛЕН")):
        await _set(quiet, enabled=True)
        await _set(quiet, enabled=False)
        await quiet.database.as_owner(change)
        await notice_delivery.deliver_alarms(quiet.outbox_worker())
        assert (await received(quiet, "group"))[-1].startswith(said)


async def test_a_stop_of_everything_that_was_undone_in_part_is_told_by_state(quiet: Scene) -> None:
    async with quiet.database.sessions.begin() as session:
        stop = await killswitches.stop_all(session, actor=SYSTEM, reason="odd sums")
    async with quiet.database.sessions.begin() as session:
        await killswitches.settle_all(session, stop)
    await _set(quiet, enabled=True)
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    everything, payouts = await received(quiet, "group")
    assert RUNNING in everything
    assert "🔴 STOPPED: deposits, refunds, new_escrows, " in everything
    assert payouts.startswith(RUNNING)


async def test_a_notice_that_waits_after_a_429_is_superseded_by_a_later_one(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await quiet.fault(
        "sendMessage", "error", error_code=429, description="Too Many Requests", retry_after=1
    )
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    await _set(quiet, enabled=True)
    await notice_delivery.deliver_alarms(quiet.outbox_worker())  # it may not overtake the first
    assert await _told(quiet) == []
    await _let_waits_end(quiet)
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == [RUNNING]
    assert await _open(quiet) == 0


async def test_the_next_notice_does_not_wait_after_a_delivered_one(quiet: Scene) -> None:
    for enabled in (False, True, False):
        await _set(quiet, enabled=enabled)
        await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == [STOPPED, RUNNING, STOPPED]


async def test_a_notice_is_not_superseded_by_one_that_was_sent(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await _set(quiet, enabled=True)
    await quiet.database.as_owner(
        "UPDATE outbox SET status = 'sent' WHERE id = (SELECT max(id) FROM outbox)"
    )
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == [RUNNING]


async def test_a_second_process_does_not_overtake_a_slow_send(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await quiet.fault("sendMessage", "slow", delay_s=1.0)
    first = asyncio.create_task(notice_delivery.deliver_alarms(quiet.outbox_worker()))
    await asyncio.sleep(0.5)
    await _set(quiet, enabled=True)
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == []
    await first
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == [STOPPED, RUNNING]
    assert await _open(quiet) == 0


async def test_a_process_that_wakes_up_late_corrects_what_it_says(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await quiet.fault("sendMessage", "slow", delay_s=2.0)
    asleep = asyncio.create_task(notice_delivery.deliver_alarms(quiet.outbox_worker()))
    await asyncio.sleep(0.5)
    await _set(quiet, enabled=True)
    await _let_waits_end(quiet)  # its lease is over
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    assert await _told(quiet) == [RUNNING]
    await asleep
    assert await _told(quiet) == [RUNNING, STOPPED, RUNNING]
    assert await _open(quiet) == 0


async def test_only_one_of_two_processes_claims_notices_about_switches(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await _set(quiet, enabled=False, key=Switch.REFUNDS)
    sessions = quiet.database.sessions
    async with sessions.begin() as session:
        await outbox.add(session, user_id=None, kind="payment_parked", payload={})
    async with sessions() as one, sessions() as other:
        first = await outbox.claim(one, limit=1, priorities=[Priority.ALARM])
        meanwhile = await outbox.claim(other, limit=9, priorities=[Priority.ALARM])
        await one.commit()
        await other.commit()
    assert [row.payload.get("key") for row in first] == ["payouts"]
    assert [row.kind for row in meanwhile] == ["payment_parked"]
    async with sessions.begin() as session:
        assert await outbox.claim(session, limit=9, priorities=[Priority.ALARM]) == []


async def test_a_lost_answer_about_a_switch_adds_the_present_states(quiet: Scene) -> None:
    await _set(quiet, enabled=False)
    await quiet.database.as_owner("DELETE FROM outbox")
    async with quiet.database.sessions.begin() as session:
        await outbox.add(
            session, user_id=None, kind="switch_answer_lost", payload={"text": RUNNING}
        )
    await notice_delivery.deliver_alarms(quiet.outbox_worker())
    [text] = await received(quiet, "group")
    assert RUNNING in text
    assert text.index("whatever the answer above says") < text.index(STOPPED)
