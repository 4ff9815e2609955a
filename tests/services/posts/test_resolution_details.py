"""Test the facts that an admin reads before a decision about a post."""

from datetime import timedelta

from db.models.posting import Breach, Verdict
from services.market import channels
from services.money import escrow, invariants
from services.posts import (
    breaches,
    manual_resolution,
    resolution_details,
    uncertain_posts,
    verification,
)
from tests.conftest import Database
from tests.factories import people, presses, rows

BREACH = "SELECT breach FROM post_jobs"


async def _record_check(database: Database) -> None:
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x"
        )


async def test_a_lock_out_in_a_sold_channel_waits_for_an_admin_who_knows_it(
    database: Database,
) -> None:
    # The buyer may be the same human with another account, so this is a breach as any other.
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=24)
        before = await resolution_details.get_case(session, target_id=made.target.id)
        assert not before.taken_over
        await channels.connect(
            session,
            actor=await people.person(session),
            chat_id=made.channel.chat_id,
            title="Sold",
            username=None,
            subscribers=1,
            former_owner_id=made.owner.user_id,
        )
        await channels.record_rights_lost(
            session, chat_id=made.channel.chat_id, reason="no_post_right"
        )
    await database.forward(timedelta(hours=13))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
        assert await rows.one(session, BREACH) == Breach.LOCKED_OUT
        await channels.record_rights_restored(session, chat_id=made.channel.chat_id)
    await database.forward(timedelta(hours=11))
    await _record_check(database)
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        assert await breaches.refund_due(session, limit=9) == 0
        case = await resolution_details.get_case(session, target_id=made.target.id)
        assert (case.needs_decision, case.taken_over) == (True, True)
        press = await presses.decide_post(session, made.moderator, "dismiss_sure", made.target.id)
        assert await manual_resolution.dismiss_breach(
            session, actor=press, target_id=made.target.id, claim_no=1
        )
        # The money goes to the former owner, whose ad it was.
        await escrow.release(session, target_id=made.target.id)
        assert await rows.available(session, made.owner) > 0
        assert await invariants.run(session) == []
