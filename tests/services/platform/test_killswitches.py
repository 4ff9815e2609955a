"""Test who can set a kill switch, and that each change is recorded."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import Role
from services.platform import errors, killswitches
from services.platform.actors import SYSTEM, Actor
from services.platform.killswitches import SwitchChange
from tests.conftest import Database
from tests.factories import people, rows


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPER_ADMIN])
@pytest.mark.parametrize("key", Switch)
async def test_an_operator_stops_and_runs_each_switch(
    session: AsyncSession, key: Switch, role: Role
) -> None:
    operator = await people.staff(session, role)
    for enabled in (False, True):
        before = await rows.snapshot(session)
        change = await killswitches.set(
            session, actor=operator, key=key, enabled=enabled, reason="drill"
        )
        assert change == SwitchChange(key, enabled, changed=True, sends_under_way=0)
        assert await killswitches.are_running(session, key) is enabled
        assert rows.grown(before, await rows.snapshot(session)) == {
            "outbox": 1,
            "user_audit_logs": 1,
        }
        again = await rows.snapshot(session)
        change = await killswitches.set(
            session, actor=operator, key=key, enabled=enabled, reason="again"
        )
        assert not change.changed
        assert await rows.snapshot(session) == again
    assert await rows.table(
        session,
        "SELECT action, role, metadata->>'key', metadata->>'reason' FROM user_audit_logs"
        " WHERE user_id = :id ORDER BY id",
        id=operator.user_id,
    ) == [("kill_switch_stopped", role, key, "drill"), ("kill_switch_run", role, key, "drill")]


async def test_others_cannot_set_a_switch(session: AsyncSession) -> None:
    operator = await people.staff(session, Role.OPERATOR)
    outside = Actor(operator.user_id, operator.roles, in_admin_chat=False)
    nobody, admin = await people.person(session), await people.staff(session, Role.ADMIN)
    before = await rows.snapshot(session)
    for actor in (outside, nobody, admin):
        with pytest.raises(errors.AccessDenied):
            await killswitches.set(
                session, actor=actor, key=Switch.PAYOUTS, enabled=False, reason="x"
            )
    assert await rows.snapshot(session) == before


async def test_a_missing_row_counts_as_stopped(database: Database) -> None:
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    async with database.sessions.begin() as session:
        states = {state.key: state for state in await killswitches.overview(session)}
        assert list(states) == list(Switch)
        assert (states[Switch.PAYOUTS].missing, states[Switch.PAYOUTS].enabled) == (True, False)
        assert not await killswitches.are_running(session, Switch.PAYOUTS)
        assert not await killswitches.are_running(session, Switch.PAYOUTS, Switch.REFUNDS)
        with pytest.raises(errors.SwitchStopped):
            await killswitches.require(session, Switch.PAYOUTS)
        with pytest.raises(errors.NotFound):
            await killswitches.set(
                session, actor=SYSTEM, key=Switch.PAYOUTS, enabled=True, reason="x"
            )


async def test_stopping_posting_returns_the_posts_under_way(session: AsyncSession) -> None:
    for _ in range(2):
        await people.approved(session)
        await people.claimed(session)
    for key, sends in ((Switch.TELEGRAM_POSTING, 2), (Switch.WORKER_POST, 2), (Switch.REFUNDS, 0)):
        change = await killswitches.set(
            session, actor=SYSTEM, key=key, enabled=False, reason="drill"
        )
        assert change.sends_under_way == sends


async def test_every_switch_has_a_lock_of_its_own(session: AsyncSession) -> None:
    locks = await rows.one(
        session,
        "SELECT count(DISTINCT hashtext(key)) FROM unnest(CAST(:keys AS text[])) AS key",
        keys=list(Switch),
    )
    assert locks == len(Switch)
