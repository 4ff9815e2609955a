"""Test that an owner publishes a removed post again once, and that silence ends in a refund."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.models.complaints import ComplaintKind
from db.models.operations import Switch
from db.models.posting import Verdict
from services.market import calendars, campaigns, channels
from services.money import stuck_escrows
from services.platform import errors, reports
from services.platform.complaint_errors import ComplaintMovedOn, RepublicationRefused
from services.posts import (
    manual_resolution,
    posting,
    resolution_details,
    uncertain_posts,
    verification,
)
from tests.conftest import Database
from tests.factories import concurrency, one_post, people, rows
from tests.factories.complaints import (
    DAY,
    OUTCOME,
    START,
    STATUS,
    Complained,
    check,
    complain,
    complained,
    lose,
    published,
)

JOB = "SELECT status FROM post_jobs"
NOTICES = "SELECT payload->>'to', payload->>'step' FROM outbox WHERE kind = 'complaint' ORDER BY id"
PUBLISHED = "SELECT count(*) FROM outbox WHERE kind = 'post_published'"


async def _lost(database: Database) -> Complained:
    """Return a complaint about a post that is proven gone."""
    made = await published(database, hours=24)
    found = await complain(database, made, ComplaintKind.REMOVED)
    await lose(database)
    return found


async def _republished(database: Database) -> Complained:
    found = await _lost(database)
    await found.republish()
    await found.publish()
    return found


async def test_a_removed_post_is_published_again_and_serves_the_whole_time(
    database: Database,
) -> None:
    found = await _lost(database)
    assert await found.one(JOB) == "success"
    assert await found.one(STATUS) == "asked"
    await found.republish()
    assert await found.one(JOB) == "queued"
    assert await found.one(STATUS) == "correcting"
    await found.publish()
    assert await found.one(STATUS) == "answered"
    async with database.sessions.begin() as session:
        told = [tuple(row) for row in await rows.table(session, NOTICES)]
        job = await rows.table(session, "SELECT removed_message_id, message_id FROM post_jobs")
    assert told == [
        ("owner", "opened"),
        ("owner", "gone"),
        ("advertiser", "gone"),
        ("advertiser", "republishing"),
        ("owner", "republished"),
        ("advertiser", "republished"),
    ]
    assert [tuple(row) for row in job] == [(10, 11)]
    # The complaint tells about the second publication, not the notice of the first one.
    assert await found.one(PUBLISHED) == 2
    assert await found.one(
        "SELECT release_due_at = sent_at + interval '24 hours' FROM escrows, post_jobs"
    )
    assert await found.pass_time(DAY) == 1
    assert await found.one(OUTCOME) == "silent"
    assert not await found.releasable()
    await check(database, Verdict.PRESENT)
    await found.settle()
    assert await found.balances() == (START - 5_000, 4_500)


async def test_it_happens_once_for_a_placement(database: Database) -> None:
    found = await _republished(database)
    with pytest.raises(RepublicationRefused, match="once"):
        await found.republish()
    await lose(database)
    assert await found.one(JOB) == "failed"
    assert await found.one(OUTCOME) == "absorbed"
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_two_presses_at_once_queue_one_post(database: Database) -> None:
    found = await _lost(database)
    results = await concurrency.run_concurrently(
        database.sessions,
        *(
            lambda session: session.execute(
                text("SELECT code FROM republish_post(:id, :owner, '24 hours', NULL)"),
                {"id": found.id, "owner": found.made.owner.user_id},
            )
            for _ in range(2)
        ),
    )
    assert sorted(str(result.scalar_one()) for result in results) == ["None", "once"]
    steps = "SELECT count(*) FROM complaint_steps WHERE kind = 'republishing'"
    assert await found.one(steps) == 1


@pytest.mark.parametrize("seen", [(), ("gone",), ("gone", "gone", "present")])
async def test_a_post_that_is_not_proven_gone_is_never_published_again(
    database: Database, seen: tuple[str, ...]
) -> None:
    found = await complain(database, await published(database, hours=24), ComplaintKind.REMOVED)
    for verdict in seen:
        await check(database, Verdict(verdict))
        await database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    with pytest.raises(RepublicationRefused, match="not_gone"):
        await found.republish()
    assert await found.one(JOB) == "success"


async def test_only_the_owner_publishes_again_and_only_while_the_owner_is_asked(
    database: Database,
) -> None:
    found = await _lost(database)
    async with database.sessions.begin() as session:
        stranger = await people.person(session)
    for who in (stranger, found.made.advertiser, found.made.moderator):
        with pytest.raises(errors.NotFound):
            await found.republish(who)
    await found.answer()
    with pytest.raises(ComplaintMovedOn):
        await found.republish()
    # The next check says what the lost post means: it is refunded, as without a complaint.
    assert await found.one("SELECT next_check_at <= clock() FROM post_jobs")
    await check(database, Verdict.GONE)
    assert await found.one(OUTCOME) == "absorbed"


@pytest.mark.parametrize("step", ["silent", "queued"])
async def test_silence_and_a_post_that_does_not_come_end_in_a_refund(
    database: Database, step: str
) -> None:
    found = await _lost(database)
    if step == "queued":
        await found.republish()
    assert await found.pass_time(DAY) == 0
    assert await found.one(JOB) == "failed"
    assert await found.one(OUTCOME) == "absorbed"
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="late", lease=timedelta(minutes=1)) is None
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_an_unknown_outcome_is_searched_and_never_sent_again(database: Database) -> None:
    found = await _lost(database)
    await found.republish()
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="timeout")
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="other", lease=timedelta(minutes=1)) is None
    # The staff are asked, but they cannot decide before it is known whether the post is out.
    assert await found.pass_time(DAY) == 1
    assert await found.one(STATUS) == "disputed"
    with pytest.raises(RepublicationRefused, match="publishing"):
        await found.decide(0)
    async with database.sessions.begin() as session:
        (searched,) = await uncertain_posts.claim_due(session, limit=9)
        assert searched.known_message_id == 10
    with pytest.raises(DBAPIError):
        async with database.sessions.begin() as session:
            await uncertain_posts.record_found(session, searched, message_ids=[10])
    async with database.sessions.begin() as session:
        assert await uncertain_posts.record_found(session, searched, message_ids=[11])
    assert await found.one(JOB) == "success"
    assert await found.one(PUBLISHED) == 2
    await found.decide(0)
    await found.pass_time(timedelta(hours=48))
    await found.settle()
    assert await found.balances() == (START, 0)


@pytest.mark.parametrize("key", [Switch.NEW_ESCROWS, Switch.TELEGRAM_POSTING, Switch.WORKER_POST])
async def test_a_stopped_switch_refuses_the_press(database: Database, key: Switch) -> None:
    found = await _lost(database)
    async with database.sessions.begin() as session:
        await people.stop(session, key)
    with pytest.raises(errors.SwitchStopped):
        await found.republish()
    assert await found.one(JOB) == "success"


@pytest.mark.parametrize("why", ["unwanted", "channel", "no_time"])
async def test_the_refusal_says_why(database: Database, why: str) -> None:
    found = await _lost(database)
    made = found.made
    async with database.sessions.begin() as session:
        if why == "unwanted":
            await campaigns.pause(session, actor=made.advertiser, campaign_id=made.campaign.id)
        elif why == "channel":
            await channels.record_rights_lost(
                session, chat_id=made.channel.chat_id, reason="no_post_right"
            )
        else:
            await calendars.reset(
                session, actor=made.owner, channel_id=made.channel.id, time_zone=None
            )
    if why == "no_time":
        days = "SELECT clock()::date + day FROM generate_series(-1, 3) AS day"
        await database.as_owner(f"UPDATE channel_calendars SET days_off = ARRAY({days})")
    with pytest.raises(RepublicationRefused, match=why):
        await found.republish()
    assert await found.one(JOB) == "success"


async def test_the_next_free_time_of_a_calendar_is_kept(database: Database) -> None:
    found = await _lost(database)
    made = found.made
    async with database.sessions.begin() as session:
        await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    await found.republish()
    kept = "SELECT kept_from = due_at AND freed_at IS NULL FROM kept_times, post_jobs"
    assert await found.one(kept) is True


async def test_a_late_check_of_the_removed_post_changes_nothing(database: Database) -> None:
    found = await _republished(database)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        for _ in range(2):
            await verification.record_check(
                session, job_id=job_id, verdict=Verdict.GONE, evidence="x", message_id=10
            )
    checks = "SELECT count(*) FROM post_checks WHERE checked_at > (SELECT sent_at FROM post_jobs)"
    assert await found.one(checks) == 0


async def test_one_check_of_the_new_post_proves_nothing_with_those_of_the_removed_one(
    database: Database,
) -> None:
    found = await _republished(database)
    await database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    await check(database, Verdict.GONE)
    assert await found.one(JOB) == "success"
    assert not await found.one("SELECT is_post_gone(post_jobs) FROM post_jobs")


async def test_a_cancelled_campaign_cancels_the_queued_post(database: Database) -> None:
    found = await _lost(database)
    await found.republish()
    made = found.made
    async with database.sessions.begin() as session:
        await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    assert await found.one(JOB) == "cancelled"
    assert await found.one(OUTCOME) == "absorbed"
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_the_watchdog_counts_from_the_new_publication(database: Database) -> None:
    found = await _lost(database)
    await database.forward(timedelta(hours=23))
    await found.republish()
    await database.forward(timedelta(hours=2))
    async with database.sessions.begin() as session:
        assert await stuck_escrows.refund_stuck_escrows(session, sla=DAY) == 0
    assert await found.one(JOB) == "queued"
    await database.forward(timedelta(hours=23))
    async with database.sessions.begin() as session:
        assert await stuck_escrows.refund_stuck_escrows(session, sla=DAY) == 1
    assert await found.one(OUTCOME) == "absorbed"
    assert await found.balances() == (START, 0)


async def test_a_restored_backup_searches_before_it_publishes_again(database: Database) -> None:
    found = await _lost(database)
    await database.as_owner("SELECT finish_restore('{}')")
    await database.as_owner("ALTER TABLE incidents DISABLE TRIGGER USER")
    await database.as_owner("UPDATE incidents SET closed_at = now()")
    await database.as_owner("ALTER TABLE incidents ENABLE TRIGGER USER")
    async with database.sessions.begin() as session:
        await people.run_switches(session)
    await found.republish()
    assert await found.one("SELECT search_above FROM post_jobs") == 10
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="w", lease=timedelta(minutes=1)) is None


async def test_a_second_complaint_does_not_allow_another_publication(database: Database) -> None:
    found = await _republished(database)
    await found.pass_time(DAY)
    again = await complain(database, found.made, ComplaintKind.REMOVED)
    await lose(database)
    with pytest.raises(RepublicationRefused, match="once"):
        await again.republish()


async def test_no_complaint_no_publication_again(database: Database) -> None:
    await complained(database)
    made = await published(database, hours=24)
    async with database.sessions.begin() as session:
        query = f"SELECT id FROM post_jobs WHERE campaign_target_id = {made.target.id}"
        job_id = await rows.one(session, query)
    for _ in range(2):
        async with database.sessions.begin() as session:
            await verification.record_check(
                session, job_id=job_id, verdict=Verdict.GONE, evidence="x"
            )
        await database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        status = f"SELECT status FROM post_jobs WHERE id = {job_id}"
        assert await rows.one(session, status) == "failed"


async def test_an_unclear_check_after_the_hours_does_not_undo_the_proof(database: Database) -> None:
    made = await published(database, hours=24)
    await database.forward(timedelta(hours=22))
    found = await complain(database, made, ComplaintKind.REMOVED)
    await lose(database)
    await database.forward(timedelta(hours=3))
    await check(database, Verdict.UNKNOWN)
    await found.answer()
    await check(database, Verdict.GONE)
    assert await found.one(JOB) == "failed"
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_the_checks_of_the_removed_post_do_not_let_one_admin_pay_for_the_next_one(
    database: Database,
) -> None:
    made = await published(database, hours=24)
    found = await complain(database, made, ComplaintKind.REMOVED)
    await check(database, Verdict.PRESENT)
    await lose(database)
    await found.republish()
    await found.publish()
    await database.forward(DAY + verification.ESCALATION_DELAY)
    await check(database, Verdict.UNKNOWN)
    async with database.sessions.begin() as session:
        assert (
            await resolution_details.get_case(session, target_id=found.target_id)
        ).seen_at is None
        assert await manual_resolution.decide_release(
            session, actor=made.moderator, target_id=found.target_id, claim_no=2
        )
    assert await found.one("SELECT count(*) FROM publication_statements") == 1
    assert await found.one("SELECT count(*) FROM post_checks WHERE verdict = 'present'") == 1


async def test_a_campaign_that_goes_on_keeps_the_post_that_is_published_again(
    database: Database,
) -> None:
    found = await _lost(database)
    await found.republish()
    made = found.made
    await database.as_owner("ALTER TABLE campaign_targets DISABLE TRIGGER USER")
    await database.as_owner("UPDATE campaign_targets SET publish_at = clock() - interval '2 days'")
    await database.as_owner("ALTER TABLE campaign_targets ENABLE TRIGGER USER")
    async with database.sessions.begin() as session:
        await campaigns.pause(session, actor=made.advertiser, campaign_id=made.campaign.id)
        await campaigns.resume(session, actor=made.advertiser, campaign_id=made.campaign.id)
    assert await found.one(JOB) == "queued"


async def test_a_post_that_is_published_again_is_not_late_yet(database: Database) -> None:
    found = await _lost(database)
    await database.forward(timedelta(hours=23))
    await found.republish()
    await database.forward(timedelta(hours=2))
    async with database.sessions.begin() as session:
        (held,) = await reports.run(session, "held", sla=DAY)
    assert held["state"] == "waiting"
    planned = "SELECT publish_time(campaign_target_id, NULL) = due_at FROM post_jobs"
    assert await found.one(planned) is True
