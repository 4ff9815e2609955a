"""Test that the evidence of a complaint has the facts of its placement, for its people alone."""

from datetime import timedelta

import pytest

from bot import evidence_file
from bot.texts import Texts
from db import queries
from db.models.posting import Verdict
from services.market import complaint_evidence
from services.market.complaint_evidence import Evidence
from services.platform import errors, users
from services.platform.actors import Actor
from services.posts import top_watch
from tests.conftest import Database
from tests.factories import people
from tests.factories.complaints import Complained, check, complain, published


async def _collect(found: Complained, who: Actor) -> Evidence:
    async with found.database.sessions.begin() as session:
        return await complaint_evidence.collect(session, actor=who, complaint_id=found.id)


async def test_the_evidence_has_what_was_agreed_found_decided_and_moved(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=24, hours_on_top=2)
    await database.forward(timedelta(hours=1))
    for verdict in (Verdict.PRESENT, Verdict.ALTERED):
        await check(database, verdict)
    async with database.sessions.begin() as session:
        await top_watch.note(
            session,
            chat_id=made.channel.chat_id,
            message_id=11,
            posted_at=await queries.now(session),
        )
    found = await complain(database, made)
    await found.dispute()
    await found.decide(40)
    async with database.sessions.begin() as session:
        stranger = await people.person(session)
        person_ids = [
            (await users.get(session, side.user_id or 0)).telegram_id
            for side in (made.owner, made.advertiser)
        ]
    with pytest.raises(errors.NotFound):
        await _collect(found, stranger)
    for who in (made.owner, made.advertiser, made.moderator):
        evidence = await _collect(found, who)
        assert [each.verdict for each in evidence.checks] == ["present", "altered"]
        assert evidence.covered_by == 11
        assert [(each.wallet, each.amount) for each in evidence.movements] == [
            ("advertiser", -5_000),
            ("held", 5_000),
        ]
        for language in ("en", "ru"):
            page = evidence_file.page(Texts(language, "USD"), evidence).decode()
            for fact in ("Fresh bread every morning", "It is as agreed.", "40 %", "/11"):
                assert fact in page, fact
            assert not any(str(number) in page for number in person_ids)


async def test_the_newest_checks_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complaint_evidence, "MOST_CHECKS", 2)
    made = await published(database, hours=24)
    for verdict in (Verdict.UNKNOWN, Verdict.PRESENT, Verdict.PRESENT):
        await check(database, verdict)
    found = await complain(database, made)
    evidence = await _collect(found, made.owner)
    assert [each.verdict for each in evidence.checks] == ["present", "present"]
