"""Test that the redirect follows the database, and goes on without it."""

from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from bot.redirect import clicks
from bot.redirect.keeper import Keeper
from bot.redirect.server import Redirect
from bot.redirect.targets import Targets
from db.session import create_engine, create_sessions
from sandbox import embedded, logins
from sandbox.telegram import ports
from services.market import link_clicks
from services.platform import operation_facts
from tests.conftest import Database
from tests.factories import people, rows, tracked
from tests.factories.tracked import BUTTON

AGENT = "Mozilla/5.0"


async def approved(database: Database) -> tuple[int, str]:
    """Approve a placement with tracked links. Return its id, and the path of its button."""
    async with database.sessions.begin() as session:
        made = await tracked.deal(session)
        await people.approve(session, made)
        await session.refresh(made.target)
        assert made.target.creative is not None
        return made.target.id, made.target.creative["button_url"].removeprefix(tracked.BASE)


async def counted(database: Database) -> list[tuple[int, int, int]]:
    """Return the clicks, repeats and requests of programs of each placement and day."""
    async with database.sessions.begin() as session:
        found = await rows.table(session, "SELECT clicks, repeats, bots FROM click_days")
        return [(row[0], row[1], row[2]) for row in found]


async def test_new_links_work_and_clicks_are_counted(database: Database) -> None:
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, database.sessions)
    assert await kept.round()
    target_id, path = await approved(database)
    assert redirect.targets.find(path, redirect.clock.now()) is None
    assert await kept.round()
    found = redirect.targets.find(path, redirect.clock.now())
    assert found is not None
    assert (found.target_id, found.location) == (target_id, BUTTON)
    other_target, other_path = await approved(database)
    assert await kept.round()  # the overlap with the round before loses nothing
    assert redirect.targets.find(other_path, redirect.clock.now()) is not None
    day = redirect.clock.now().date()
    for number in (1, 1, 2):
        redirect.clicks.add_person(target_id, day, f"198.51.100.{number}", AGENT)
    redirect.clicks.add_program(target_id, day)
    assert await kept.round()
    assert await counted(database) == [(2, 1, 1)]
    assert kept.facts() == {"ok": True, "database": True, "links": 6, "waiting_clicks": 0}
    assert other_target != target_id


async def test_a_second_process_counts_the_same_people(database: Database) -> None:
    target_id, _ = await approved(database)
    for _process in range(2):
        redirect = Redirect(Targets(None))
        kept = Keeper(redirect, database.sessions)
        assert await kept.round()
        redirect.clicks.add_person(target_id, redirect.clock.now().date(), "198.51.100.1", AGENT)
        await kept.stop()
    assert await counted(database) == [(1, 1, 0)]


async def test_the_clock_of_the_database_decides_the_day(database: Database) -> None:
    await database.forward(timedelta(days=3))
    target_id, path = await approved(database)
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, database.sessions)
    assert await kept.round()
    assert redirect.targets.find(path, redirect.clock.now()) is not None
    redirect.clicks.add_person(target_id, redirect.clock.now().date(), "198.51.100.1", AGENT)
    assert await kept.round()
    assert await counted(database) == [(1, 0, 0)]
    await database.forward(timedelta(days=366))
    assert await kept.round()
    assert redirect.targets.find(path, redirect.clock.now()) is None


async def test_clicks_wait_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_id, path = await approved(database)
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, database.sessions)
    assert await kept.round()
    away = create_engine(f"postgresql://nobody@127.0.0.1:{ports.free(0)}/none", pool_size=1)
    monkeypatch.setattr(kept, "_sessions", create_sessions(away))
    for number in range(3):
        redirect.clicks.add_person(
            target_id, redirect.clock.now().date(), f"198.51.100.{number}", AGENT
        )
        with capture_logs() as logs:
            assert not await kept.round()
        assert [line["event"] for line in logs] == (["PostgreSQL is away"] if number == 0 else [])
    assert redirect.targets.find(path, redirect.clock.now()) is not None
    facts = kept.facts()
    assert (facts["ok"], facts["database"], facts["waiting_clicks"]) == (True, False, 3)
    monkeypatch.setattr(kept, "_sessions", database.sessions)
    assert await kept.round()
    assert await counted(database) == [(3, 0, 0)]
    assert kept.facts()["database"] is True
    await away.dispose()


async def test_clicks_that_cannot_be_brought_at_the_end_are_said_to_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = create_engine(f"postgresql://nobody@127.0.0.1:{ports.free(0)}/none", pool_size=1)
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, create_sessions(away))
    assert not kept.facts()["ok"]
    monkeypatch.setattr(link_clicks, "BATCH", 2)
    monkeypatch.setattr(clicks, "BATCH", 2)
    monkeypatch.setattr(clicks, "LOG_SECONDS", 0.0)
    for number in range(3):
        redirect.clicks.add_person(7, redirect.clock.now().date(), f"198.51.100.{number}", AGENT)
    with capture_logs() as logs:
        await kept.stop()
    assert sum(line.get("clicks", 0) for line in logs) == 3
    assert len(redirect.clicks) == 0
    await away.dispose()


async def test_an_error_ends_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, database.sessions)

    async def fail(*_: object) -> None:
        raise ValueError("unexpected")

    monkeypatch.setattr(link_clicks, "now", fail)
    with capture_logs() as logs:
        assert not await kept.round()
    assert [line["event"] for line in logs] == ["Worker error"]


async def test_lost_clicks_are_stored_when_the_database_is_back(
    database: Database, server: embedded.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_id, _ = await approved(database)
    name = make_url(database.url).database
    own = create_engine(server.dsn(logins.REDIRECT, str(name)))
    away = create_engine(f"postgresql://nobody@127.0.0.1:{ports.free(0)}/none", pool_size=1)
    redirect = Redirect(Targets(None))
    kept = Keeper(redirect, create_sessions(away))
    monkeypatch.setattr(clicks, "MOST_WAITING", 1)
    for number in range(3):
        redirect.clicks.add_person(
            target_id, redirect.clock.now().date(), f"198.51.100.{number}", AGENT
        )
    assert not await kept.round()
    monkeypatch.setattr(kept, "_sessions", create_sessions(own))
    for _round in range(2):
        assert await kept.round()
        async with database.sessions.begin() as session:
            facts = await operation_facts.read(session, sla=timedelta(hours=1))
        assert facts.numbers["clicks_lost_recently"] == 2
    assert await counted(database) == [(1, 0, 0)]
    await away.dispose()
    await own.dispose()
