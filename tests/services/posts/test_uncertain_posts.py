"""Test the search for a post that Telegram may have published."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import campaigns, channels, newest_messages
from services.money import escrow
from services.posts import posting, uncertain_posts, verification
from tests.conftest import Database
from tests.factories import one_post, people, rows
from tests.services.posts.uncertain import (
    KNOWN,
    claim_uncertain_post,
    count_cards,
    state,
    uncertain,
)

GAP = timedelta(minutes=5)
HELD = ("held", "approved")


async def _twice_absent(database: Database) -> None:
    for _ in range(2):
        async with database.sessions.begin() as session:
            uncertain_post = await claim_uncertain_post(session)
            assert await uncertain_posts.record_absent(
                session, uncertain_post, gap=GAP, highest_seen_id=0
            )
        await database.forward(GAP + timedelta(seconds=1))


async def test_an_empty_search_proves_nothing_until_an_id_of_the_channel_is_known(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session)
        await newest_messages.reset(session, chat_id=made.channel.chat_id)
    for _ in range(3):
        async with database.sessions.begin() as session:
            assert await uncertain_posts.record_absent(
                session, await claim_uncertain_post(session), gap=GAP, highest_seen_id=KNOWN
            )
            assert await state(session) == ("uncertain", *HELD)
            # A search from the channel's first id may find an old id. Such an id is not recorded.
            assert await rows.one(session, "SELECT last_message_id FROM channels") == 0
        await database.forward(GAP + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        await newest_messages.record(session, chat_id=made.channel.chat_id, message_id=KNOWN)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await state(session) == ("queued", *HELD)


async def test_a_search_begins_above_the_id_that_was_known_before_the_send(
    session: AsyncSession,
) -> None:
    made = await uncertain(session)
    # A later id that became known must not move the start of the search.
    await newest_messages.record(session, chat_id=made.channel.chat_id, message_id=KNOWN + 5)
    uncertain_post = await claim_uncertain_post(session)
    assert (uncertain_post.known_message_id, uncertain_post.last_message_id) == (KNOWN, KNOWN + 5)
    assert await uncertain_posts.claim_due(session, limit=9) == []  # another search has claimed it


async def test_a_found_post_is_a_success_and_its_hours_begin_then(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session, promised_hours=2)
    await database.forward(timedelta(hours=1))
    async with database.sessions.begin() as session:
        uncertain_post = await claim_uncertain_post(session)
        assert await uncertain_posts.record_found(session, uncertain_post, message_ids=(KNOWN + 1,))
    async with database.sessions.begin() as session:
        assert await state(session) == ("success", *HELD)
        assert await rows.one(session, "SELECT message_id FROM post_jobs") == KNOWN + 1
        hours = await rows.one(session, "SELECT release_due_at - clock() FROM escrows")
        assert timedelta(hours=1, minutes=59) < hours <= timedelta(hours=2)
        notified = await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'post_published' ORDER BY id"
        )
        assert notified == [(made.owner.user_id,), (made.advertiser.user_id,)]
        assert not await uncertain_posts.record_found(
            session, uncertain_post, message_ids=(KNOWN + 2,)
        )
        assert not await uncertain_posts.record_absent(
            session, uncertain_post, gap=GAP, highest_seen_id=0
        )


async def test_absence_needs_two_searches_some_minutes_apart(database: Database) -> None:
    async with database.sessions.begin() as session:
        await uncertain(session)
    async with database.sessions.begin() as session:
        uncertain_post = await claim_uncertain_post(session)
        for _ in range(2):
            assert await uncertain_posts.record_absent(
                session, uncertain_post, gap=GAP, highest_seen_id=0
            )
    async with database.sessions.begin() as session:
        assert await state(session) == ("uncertain", *HELD)
        assert await uncertain_posts.claim_due(session, limit=9) == []
    await database.forward(GAP + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.record_absent(
            session, await claim_uncertain_post(session), gap=GAP, highest_seen_id=9
        )
        assert await state(session) == ("queued", *HELD)
        assert await rows.table(session, "SELECT attempts, first_absent_at FROM post_jobs") == [
            (1, None)
        ]
        assert await rows.one(session, "SELECT last_message_id FROM channels") == 9


async def test_a_search_from_before_the_next_send_counts_for_nothing(database: Database) -> None:
    async with database.sessions.begin() as session:
        await uncertain(session)
        uncertain_post = await claim_uncertain_post(session)
    await database.forward(uncertain_posts.SEARCH_INTERVAL)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="again")
        before = await rows.snapshot(session)
        assert not await uncertain_posts.record_found(
            session, uncertain_post, message_ids=(KNOWN + 1,)
        )
        assert not await uncertain_posts.record_absent(
            session, uncertain_post, gap=GAP, highest_seen_id=99
        )
        assert not await uncertain_posts.record_unknown(session, uncertain_post, highest_seen_id=99)
        assert await rows.snapshot(session) == before


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ("attempts = 7", "failed"),
        ("abandoned = 5", "failed"),
        ("attempts = 6", "queued"),
    ],
)
async def test_an_absent_post_is_not_sent_for_ever(
    database: Database, change: str, end: str
) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session)
    await database.as_owner(f"UPDATE post_jobs SET {change}")
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await state(session) == (end, *HELD)
        if end == "failed":
            await escrow.refund(session, target_id=made.target.id)


async def test_an_absent_post_of_a_cancelled_campaign_is_refunded(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session)
        await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await state(session) == ("cancelled", *HELD)
        assert await escrow.list_refundable(session, limit=9) == [made.target.id]
        await escrow.refund(session, target_id=made.target.id)


async def test_a_post_that_stays_uncertain_is_escalated_again_and_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        await uncertain(session)
    for wait, cards in (
        (timedelta(), 0),
        (posting.UNCERTAIN_ESCALATION_DELAY, 1),
        (timedelta(hours=1), 1),
        (uncertain_posts.ESCALATION_INTERVAL, 2),
    ):
        await database.forward(wait)
        async with database.sessions.begin() as session:
            for uncertain_post in await uncertain_posts.claim_due(session, limit=9):
                assert await uncertain_posts.record_unknown(
                    session, uncertain_post, highest_seen_id=0
                )
            await uncertain_posts.escalate_due(session, limit=9)
            assert await count_cards(session, "post_uncertain") == cards
            assert await state(session) == ("uncertain", *HELD)


async def test_lost_rights_never_postpone_the_card_of_an_uncertain_post(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session)
        await channels.record_rights_lost(
            session, chat_id=made.channel.chat_id, reason="bot_removed"
        )
    await database.forward(posting.UNCERTAIN_ESCALATION_DELAY - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.claim_due(session, limit=9) == []
        assert await uncertain_posts.escalate_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
        await channels.record_rights_restored(session, chat_id=made.channel.chat_id)
        assert len(await uncertain_posts.claim_due(session, limit=9)) == 1


async def test_a_published_post_in_a_channel_without_rights_is_escalated(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=1)
        await channels.record_rights_lost(
            session, chat_id=made.channel.chat_id, reason="no_post_right"
        )
    await database.forward(channels.RIGHTS_GRACE + timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await verification.claim_due(session, limit=9) == []
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
        assert await count_cards(session, "post_unseen") == 1
        assert await state(session) == ("success", *HELD)


async def test_a_published_post_is_not_uncertain(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session, promised_hours=2)
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await one_post.record_published(session, claim, message_id=10)
    await database.forward(timedelta(hours=3))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.claim_due(session, limit=9) == []
