"""Test what a sale of a channel means for the ads that its former owner published."""

from db.models.posting import Verdict
from services.market import channels
from services.money import escrow
from services.posts import manual_resolution, resolution_details
from tests.conftest import Database
from tests.factories import people, presses, rows
from tests.services.posts.test_breaches import (
    HOUR,
    _breach,
    _check,
    _escalate,
    _lose_rights,
    _posted,
    _restore_rights,
)


async def test_a_lock_out_in_a_sold_channel_waits_for_an_admin_who_knows_it(
    database: Database,
) -> None:
    # The buyer may be the same human with another account, so this is a breach as any other.
    made = await _posted(database, hours=24)
    async with database.sessions.begin() as session:
        await channels.connect(
            session,
            actor=await people.person(session),
            chat_id=made.channel.chat_id,
            title="Sold",
            username=None,
            subscribers=1,
            former_owner_id=made.owner.user_id,
        )
    await _lose_rights(database, made)
    await database.forward(13 * HOUR)
    assert await _escalate(database) == 1
    assert await _breach(database) == "locked_out"
    await _restore_rights(database, made)
    await database.forward(11 * HOUR)
    await _check(database, Verdict.PRESENT)
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        case = await resolution_details.get_case(session, target_id=made.target.id)
        assert (case.needs_decision, case.taken_over) == (True, True)
        press = await presses.decide_post(session, made.moderator, "dismiss_sure", made.target.id)
        assert await manual_resolution.dismiss_breach(
            session, actor=press, target_id=made.target.id, claim_no=1
        )
        # The money goes to the former owner, whose ad it was.
        await escrow.release(session, target_id=made.target.id)
        assert await rows.available(session, made.owner) > 0
