"""Test that one admin at a time reads the card of a placement."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import card_readers
from services.platform import errors
from tests.conftest import Database
from tests.factories import people


async def test_one_admin_takes_a_card_and_gives_it_back(session: AsyncSession) -> None:
    deal, second = await people.deal(session), await people.staff(session)
    target_id = deal.target.id
    assert await card_readers.find(session, target_id) is None
    assert await card_readers.take(session, actor=deal.moderator, target_id=target_id)
    assert await card_readers.take(session, actor=deal.moderator, target_id=target_id)
    assert not await card_readers.take(session, actor=second, target_id=target_id)
    await card_readers.give_back(session, actor=second, target_id=target_id)
    reader = await card_readers.find(session, target_id)
    assert reader is not None
    assert reader.user_id == deal.moderator.user_id
    await card_readers.give_back(session, actor=deal.moderator, target_id=target_id)
    assert await card_readers.find(session, target_id) is None
    assert await card_readers.take(session, actor=second, target_id=target_id)


async def test_a_forgotten_card_is_free_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal, second = await people.deal(session), await people.staff(session)
        target_id = deal.target.id
        assert await card_readers.take(session, actor=deal.moderator, target_id=target_id)
    await database.forward(card_readers.READING_TIME)
    async with database.sessions.begin() as session:
        assert await card_readers.find(session, target_id) is None
        assert await card_readers.take(session, actor=second, target_id=target_id)


async def test_only_admins_take_cards(session: AsyncSession) -> None:
    deal = await people.deal(session)
    with pytest.raises(errors.AccessDenied):
        await card_readers.take(session, actor=deal.owner, target_id=deal.target.id)
