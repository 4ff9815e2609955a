"""Test how an owner offers formats of posts, changes their prices, and stops selling them."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.formats import Ending
from services.market import channels, format_changes, formats
from services.market.terms import MAX_PROMISED_HOURS, Terms
from services.platform import errors
from services.platform.format_errors import LastFormat, TooManyFormats
from tests.factories import people, rows
from tests.factories.people import Deal

PLAIN = Terms(people.PRICE, 24)
ACTS = "SELECT count(*) FROM user_audit_logs WHERE action = :action"


async def _put(session: AsyncSession, deal: Deal, terms: Terms) -> None:
    await format_changes.put(session, actor=deal.owner, channel_id=deal.channel.id, terms=terms)


async def _retire(session: AsyncSession, deal: Deal, terms: Terms) -> None:
    [row] = [
        row
        for row in await formats.of_channel(session, deal.channel.id)
        if formats.terms_of(row) == terms
    ]
    await format_changes.retire(
        session, actor=deal.owner, channel_id=deal.channel.id, format_id=row.id
    )


async def _offered(session: AsyncSession, deal: Deal) -> list[Terms]:
    return [formats.terms_of(row) for row in await formats.of_channel(session, deal.channel.id)]


async def test_a_new_price_replaces_the_one_of_the_same_format(session: AsyncSession) -> None:
    deal = await people.deal(session)
    dearer, on_top = PLAIN._replace(price=7_000), Terms(9_000, 24, 1)
    for terms in (dearer, on_top, dearer):
        await _put(session, deal, terms)
    assert await _offered(session, deal) == [dearer, on_top]
    assert (deal.channel.price, deal.channel.promised_hours) == (7_000, 24)
    written = await rows.table(session, "SELECT price FROM channel_formats ORDER BY id")
    assert written == [(people.PRICE,), (7_000,), (9_000,)], "a repeated press writes nothing"
    assert await rows.one(session, ACTS, action="channel_format_set") == 2


async def test_the_columns_of_the_channel_follow_its_first_format(session: AsyncSession) -> None:
    deal = await people.deal(session)
    short = Terms(1_000, 1)
    await _put(session, deal, short)
    assert (deal.channel.price, deal.channel.promised_hours) == (1_000, 1)
    await _retire(session, deal, short)
    assert (deal.channel.price, deal.channel.promised_hours) == (people.PRICE, 24)
    assert await _offered(session, deal) == [PLAIN]


async def test_a_format_is_retired_once_and_the_last_one_never(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await _put(session, deal, Terms(9_000, 48, 2))
    [first, second] = await formats.of_channel(session, deal.channel.id)
    for _ in range(2):
        await format_changes.retire(
            session, actor=deal.owner, channel_id=deal.channel.id, format_id=first.id
        )
    with pytest.raises(LastFormat):
        await format_changes.retire(
            session, actor=deal.owner, channel_id=deal.channel.id, format_id=second.id
        )
    assert await rows.one(session, ACTS, action="channel_format_retired") == 1


async def test_a_channel_sells_a_limited_number_of_formats(session: AsyncSession) -> None:
    deal = await people.deal(session)
    for hours in range(1, format_changes.MOST_FORMATS):
        await _put(session, deal, Terms(1_000, hours))
    with pytest.raises(TooManyFormats):
        await _put(session, deal, Terms(1_000, 100))
    await _put(session, deal, Terms(1_001, 1))  # another price of the same format
    assert len(await _offered(session, deal)) == format_changes.MOST_FORMATS


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        (Terms(0, 24), errors.InvalidAmount),
        (Terms(1, -1), errors.InvalidTerms),
        (Terms(1, MAX_PROMISED_HOURS + 1), errors.InvalidTerms),
        (Terms(1, 24, 25), errors.InvalidTerms),
        (Terms(1, 24, -1), errors.InvalidTerms),
        (Terms(1, 48, 0, Ending.REMOVED), errors.InvalidTerms),
        (Terms(1, 0, 0, Ending.REMOVED), errors.InvalidTerms),
    ],
)
async def test_terms_that_cannot_be_kept_are_refused(
    session: AsyncSession, terms: Terms, error: type[errors.DomainError]
) -> None:
    deal = await people.deal(session)
    before = await rows.snapshot(session)
    with pytest.raises(error):
        await _put(session, deal, terms)
    assert await rows.snapshot(session) == before


async def test_only_the_owner_of_a_channel_on_offer_changes_its_formats(
    session: AsyncSession,
) -> None:
    deal = await people.deal(session)
    [only] = await formats.of_channel(session, deal.channel.id)
    channel_id, format_id = deal.channel.id, only.id
    before = await rows.snapshot(session)
    for actor in (deal.advertiser, deal.moderator):
        with pytest.raises(errors.NotChannelOwner):
            await format_changes.put(session, actor=actor, channel_id=channel_id, terms=PLAIN)
        with pytest.raises(errors.NotChannelOwner):
            await format_changes.retire(
                session, actor=actor, channel_id=channel_id, format_id=format_id
            )
        with pytest.raises(errors.NotChannelOwner):
            await format_changes.set_topic(session, actor=actor, channel_id=channel_id, topic="x")
        with pytest.raises(errors.NotChannelOwner):
            await format_changes.get_own(session, actor=actor, format_id=format_id)
    with pytest.raises(errors.NotFound):
        await format_changes.get_own(session, actor=deal.owner, format_id=999_999)
    assert await rows.snapshot(session) == before
    await channels.remove(session, actor=deal.owner, channel_id=channel_id)
    with pytest.raises(errors.ChannelNotUsable):
        await _put(session, deal, Terms(1, 1))


async def test_the_topic_is_changed_alone(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await _put(session, deal, Terms(9_000, 48, 2))
    await format_changes.set_topic(
        session, actor=deal.owner, channel_id=deal.channel.id, topic="food"
    )
    assert deal.channel.topic == "food"
    assert len(await _offered(session, deal)) == 2
    with pytest.raises(errors.InvalidTerms):
        await format_changes.set_topic(
            session, actor=deal.owner, channel_id=deal.channel.id, topic="gardens"
        )
