"""Test that the bot uses a new admin chat only after a super admin has confirmed it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from db.session import sqlstate
from services.platform import chat_migrations, errors
from services.platform.actors import Actor
from tests.factories import people, presses, rows

GROUP = -77
SUPERGROUP = -1_000_000_000_077
OTHER = -1_000_000_000_078
CONFIRM = "admin_chat:confirm"


async def record(session: AsyncSession, old_chat_id: int, new_chat_id: int) -> None:
    await chat_migrations.record_migration(
        session, admin_chat_id=GROUP, old_chat_id=old_chat_id, new_chat_id=new_chat_id
    )


async def confirm(session: AsyncSession, who: Actor, new_chat_id: int = SUPERGROUP) -> None:
    """Press the button that confirms the new admin chat."""
    press = await presses.press(session, who, CONFIRM, message={"chat": {"id": new_chat_id}})
    await chat_migrations.confirm(session, actor=press, old_chat_id=GROUP, new_chat_id=new_chat_id)


async def test_a_group_that_moved_is_followed_after_the_confirmation(session: AsyncSession) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    assert await chat_migrations.current_chat_id(session, GROUP) == GROUP
    for _ in range(2):
        await record(session, GROUP, SUPERGROUP)
    assert await chat_migrations.current_chat_id(session, GROUP) == GROUP
    assert await chat_migrations.unconfirmed_chat_ids(session, GROUP) == {SUPERGROUP}
    await confirm(session, head)
    await people.commit(session)
    assert await chat_migrations.current_chat_id(session, GROUP) == SUPERGROUP
    assert await chat_migrations.unconfirmed_chat_ids(session, SUPERGROUP) == frozenset()
    audited = (
        "SELECT action, user_id, role FROM user_audit_logs WHERE action LIKE 'chat_%' ORDER BY id"
    )
    assert await rows.table(session, audited) == [
        ("chat_moved", None, "system"),
        ("chat_move_confirmed", head.user_id, "super_admin"),
    ]


async def test_a_move_is_told_to_the_chat_and_to_each_super_admin(session: AsyncSession) -> None:
    heads = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(3)]
    await people.staff(session)
    await people.block(session, heads[2])
    await record(session, GROUP, SUPERGROUP)
    told = (
        "SELECT user_id, payload->>'to', priority FROM outbox WHERE kind = 'admin_chat_moved'"
        " ORDER BY user_id NULLS FIRST LIMIT 3"
    )
    assert await rows.table(session, told) == [
        (None, "staff", 0),
        (heads[0].user_id, "person", 0),
        (heads[1].user_id, "person", 0),
    ]


async def test_an_invented_move_does_not_stand_in_the_way_of_the_true_one(
    session: AsyncSession,
) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    for chat_id in (OTHER, SUPERGROUP):
        await record(session, GROUP, chat_id)
    await confirm(session, head)
    assert await chat_migrations.current_chat_id(session, GROUP) == SUPERGROUP
    with pytest.raises(DBAPIError, match="uq_moved_chats_confirmed"):
        async with session.begin_nested():
            await confirm(session, head, OTHER)


async def test_only_a_super_admin_confirms_a_recorded_move(session: AsyncSession) -> None:
    head, admin = await people.staff(session, Role.SUPER_ADMIN), await people.staff(session)
    await record(session, GROUP, SUPERGROUP)
    with pytest.raises(errors.AccessDenied):
        await confirm(session, admin)
    with pytest.raises(errors.AdminChatNotMoved):
        await confirm(session, head, OTHER)
    await confirm(session, head)
    with pytest.raises(errors.AdminChatNotMoved):
        await confirm(session, head)


@pytest.mark.parametrize(
    ("role", "data", "chat_id", "state"),
    [
        (Role.SUPER_ADMIN, CONFIRM, SUPERGROUP, None),
        (Role.ADMIN, CONFIRM, SUPERGROUP, "AD065"),
        (Role.SUPER_ADMIN, "x", SUPERGROUP, "AD061"),
        (Role.SUPER_ADMIN, CONFIRM, GROUP, "AD065"),
        (Role.SUPER_ADMIN, CONFIRM, OTHER, "AD065"),
    ],
)
async def test_the_database_asks_for_the_press_in_the_new_chat(
    session: AsyncSession, role: Role, data: str, chat_id: int, state: str | None
) -> None:
    who = await people.staff(session, role)
    await record(session, GROUP, SUPERGROUP)
    press = await presses.press(session, who, data, message={"chat": {"id": chat_id}})
    values = {"by": press.user_id, "press": press.inbox_id}
    found = None
    try:
        async with session.begin_nested():
            await session.execute(
                text(
                    "UPDATE moved_chats SET confirmed_by = :by, confirmed_in = :press,"
                    " confirmed_at = clock()"
                ),
                values,
            )
    except DBAPIError as error:
        found = sqlstate(error)
    assert found == state


@pytest.mark.parametrize(
    ("old", "new"), [(-78, SUPERGROUP), (OTHER, SUPERGROUP), (GROUP, -78), (GROUP, 5)]
)
async def test_no_other_move_is_recorded(session: AsyncSession, old: int, new: int) -> None:
    await record(session, old, new)
    assert await chat_migrations.unconfirmed_chat_ids(session, old) == frozenset()
    assert await chat_migrations.current_chat_id(session, old) == old
