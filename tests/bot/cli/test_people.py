"""Test the `adtech` commands about blocks, roles and reversed payments."""

from db.models.users import Role
from services.market import staff_requests
from tests.conftest import Database
from tests.factories import people, presses, rows
from tests.shell import shell_of

TELEGRAM_ID = "SELECT telegram_id FROM users WHERE id = :id"


async def test_a_command_about_people_only_makes_a_request(database: Database) -> None:
    async with database.sessions.begin() as session:
        head = await people.staff(session, Role.SUPER_ADMIN)
        person = await people.person(session, balance=100)
        me, whom = [await rows.one(session, TELEGRAM_ID, id=a.user_id) for a in (head, person)]
        charge = await rows.one(session, "SELECT external_reference FROM deposits")
    shell = shell_of(database)
    for command in (
        ("block", whom),
        ("unblock", whom),
        ("grant-role", whom, "operator"),
        ("revoke-role", whom, "operator"),
        ("clawback", charge),
    ):
        ran = await shell.adtech(*command, "a reason", "--as", me)
        assert (ran.status, "That was me" in ran.said) == (0, True), ran.said
        second = command[0] in {"grant-role", "revoke-role", "clawback"}
        assert ("a second person" in ran.said) == second
    async with database.sessions.begin() as session:
        kinds = "SELECT kind, acknowledged, status, subject_id FROM staff_requests ORDER BY id"
        assert await rows.table(session, kinds) == [
            ("block", False, "proposed", person.user_id),
            ("unblock", False, "proposed", person.user_id),
            ("grant_role", False, "proposed", person.user_id),
            ("revoke_role", False, "proposed", person.user_id),
            ("clawback", False, "proposed", None),
        ]
        first, *_ = await staff_requests.list_open(session, limit=1, offset=0)
        pressed = await presses.press(session, head, f"request:mine:{first.id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=first.id)
        blocked = "SELECT blocked FROM users WHERE id = :id"
        assert await rows.one(session, blocked, id=person.user_id)
    ran = await shell.adtech("block", 5, "nobody", "--as", me)
    assert ran.status == 1
    ran = await shell.adtech("staff")
    assert (ran.status, str(me) in ran.said, "super_admin" in ran.said) == (0, True, True)


async def test_the_block_of_a_colleague_waits_for_a_second_person(database: Database) -> None:
    async with database.sessions.begin() as session:
        head, admin = await people.staff(session, Role.SUPER_ADMIN), await people.staff(session)
        me, whom = [await rows.one(session, TELEGRAM_ID, id=a.user_id) for a in (head, admin)]
    shell = shell_of(database)
    for command in ("block", "unblock"):
        ran = await shell.adtech(command, whom, "a reason", "--as", me)
        assert (ran.status, "a second person" in ran.said) == (0, True), ran.said
    async with database.sessions.begin() as session:
        kinds = "SELECT kind FROM staff_requests ORDER BY id"
        assert await rows.table(session, kinds) == [("block_staff",), ("unblock_staff",)]
