"""Test how owners and moderators ask for changes of placements."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.agreements import Side
from db.models.formats import Ending
from services.market import (
    agreements,
    change_requests,
    formats,
    moderation,
    owner_records,
    placement_expiry,
    placement_versions,
    publish_times,
)
from services.market.change_requests import WantedChange
from services.market.terms import Terms
from services.platform import errors
from services.platform.actors import Actor
from services.platform.agreement_errors import (
    AlreadyAnswered,
    AnswerTooLate,
    NotAgreed,
    NothingChanged,
    TooManyChanges,
    VersionChanged,
)
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.people import Deal

WORDS = "Please name the price"
TOLD = "SELECT kind, user_id FROM outbox WHERE kind IN ('change_asked', 'target_expired')"


async def _ask(
    session: AsyncSession, made: Deal, *, who: Actor | None = None, version: int = 1, **change: Any
) -> None:
    await change_requests.ask_as_owner(
        session,
        actor=who or made.owner,
        target_id=made.target.id,
        version=version,
        **(change or {"words": WORDS}),
    )


def _content(wanted: WantedChange | None) -> WantedChange | None:
    """Return a request without its id."""
    return wanted and replace(wanted, id=0)


async def _ask_as_moderator(
    session: AsyncSession, made: Deal, *, who: Actor | None = None, version: int = 1
) -> None:
    await change_requests.ask_as_moderator(
        session,
        actor=who or made.moderator,
        target_id=made.target.id,
        version=version,
        words=WORDS,
    )


async def test_an_owner_asks_and_the_advertiser_is_told(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await _ask(session, made, words=f"  {WORDS} ")
    assert _content(await change_requests.find_open(session, made.target.id)) == WantedChange(
        0, Side.OWNER, WORDS, None, None, None
    )
    assert await rows.table(session, TOLD) == [("change_asked", made.advertiser.user_id)]
    assert await rows.table(
        session, "SELECT user_id, role FROM user_audit_logs WHERE action = 'change_asked'"
    ) == [(made.owner.user_id, "owner")]
    await _ask(session, made, price=9_000)
    row = await moderation.get_details(session, target_id=made.target.id)
    assert _content(row.wanted) == WantedChange(0, Side.OWNER, None, 9_000, None, None)
    await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    assert await change_requests.find_open(session, made.target.id) is None


async def test_a_request_is_about_one_version(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await _ask(session, made)
    await placement_versions.change_ad(
        session,
        actor=made.advertiser,
        target_id=made.target.id,
        version=1,
        creative=people.advert("Bread for $2"),
    )
    assert await change_requests.find_open(session, made.target.id) is None
    with pytest.raises(VersionChanged):
        await _ask(session, made)
    await _ask(session, made, version=2)


async def test_bad_requests_change_nothing(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    now = await queries.now(session)
    before = await rows.snapshot(session)
    for change, error in (
        ({"words": "  "}, errors.InvalidText),
        ({"words": "x" * (change_requests.WORDS_LIMIT + 1)}, errors.InvalidText),
        ({"price": 0}, errors.InvalidAmount),
        ({"price": people.PRICE}, NothingChanged),
        ({"publish_at": now - timedelta(minutes=1)}, errors.PublishTimePast),
        (
            {"publish_at": now + publish_times.LONGEST_AHEAD + timedelta(days=1)},
            errors.PublishTimeTooFar,
        ),
    ):
        with pytest.raises(error):
            await _ask(session, made, **change)
    for stranger in (made.advertiser, made.moderator):
        with pytest.raises(errors.NotFound):
            await _ask(session, made, who=stranger)
    with pytest.raises(NotAgreed):
        await _ask_as_moderator(session, made)
    with pytest.raises(errors.AccessDenied):
        await _ask_as_moderator(session, made, who=made.owner)
    assert await rows.snapshot(session) == before


async def test_a_moderator_asks_after_the_owner_has_accepted(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    with pytest.raises(AlreadyAnswered):
        await _ask(session, made)
    await _ask_as_moderator(session, made)
    row = await moderation.get_details(session, target_id=made.target.id)
    assert _content(row.wanted) == WantedChange(0, Side.MODERATOR, WORDS, None, None, None)
    await people.approve(session, made)  # another admin may decide otherwise
    row = await moderation.get_details(session, target_id=made.target.id)
    assert row.wanted is None
    with pytest.raises(errors.InvalidMove):
        await _ask_as_moderator(session, made)


async def test_an_owner_asks_for_another_format(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    short = Terms(3_000, 24, 1, Ending.REMOVED)
    await formats.add(session, made.channel.id, short)
    first, second = await formats.of_channel(session, made.channel.id)
    assert formats.terms_of(second) == short
    with pytest.raises(NothingChanged):
        await _ask(session, made, format_id=first.id)
    with pytest.raises(errors.NotFound):
        await _ask(session, made, format_id=second.id + 1)
    await _ask(session, made, format_id=second.id)
    row = await moderation.get_details(session, target_id=made.target.id)
    assert _content(row.wanted) == WantedChange(0, Side.OWNER, None, 3_000, short.kind, None)
    await placement_versions.accept_request(
        session,
        actor=made.advertiser,
        target_id=made.target.id,
        version=1,
        request_id=queries.required(row.wanted).id,
    )
    row = await moderation.get_details(session, target_id=made.target.id)
    assert (row.version, row.price, row.hours_on_top, row.ending) == (2, 3_000, 1, "removed")
    assert await rows.table(
        session, "SELECT price, hours_on_top, ending FROM placement_versions"
    ) == [(people.PRICE, 0, "left")]


async def test_nobody_asks_for_a_change_of_their_own_money(session: AsyncSession) -> None:
    made = await people.deal(session)
    for party in (made.owner, made.advertiser):
        with pytest.raises(errors.OwnMoney):
            await _ask_as_moderator(
                session, made, who=replace(made.moderator, user_id=party.user_id)
            )


async def test_one_version_has_a_limited_number_of_requests(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    for _ in range(change_requests.MOST):
        await _ask(session, made)
    with pytest.raises(TooManyChanges):
        await _ask(session, made)


async def _expire(database: Database, made: Deal) -> tuple[int, Any, int]:
    """Expire placements. Return how many, whose answer was missing, and the owner's unanswered."""
    async with database.sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
        missing = await rows.table(
            session,
            "SELECT payload->>'missing_answer' FROM outbox WHERE kind = 'target_expired'",
        )
        record = (await owner_records.of_channels(session, [made.channel.id]))[made.channel.id]
    return expired, missing, record.unanswered


async def test_the_advertiser_has_as_much_time_as_the_owner_had(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
    almost = agreements.ANSWER_TIME - timedelta(hours=1)
    await database.forward(almost)
    async with database.sessions.begin() as session:
        await _ask(session, made)
    await database.forward(timedelta(hours=2))
    async with database.sessions.begin() as session:
        with pytest.raises(AnswerTooLate):
            await _ask(session, made)
    assert await _expire(database, made) == (0, [], 0)
    await database.forward(almost)
    assert await _expire(database, made) == (1, [("changed",)], 0)
    async with database.sessions.begin() as session:
        row = await moderation.get_details(session, target_id=made.target.id)
    assert row.wanted is not None  # so that both read why it ended


async def test_a_placement_without_a_request_expires_at_its_time(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True)
    await database.forward(agreements.ANSWER_TIME)
    assert await _expire(database, made) == (1, [(None,)], 1)
