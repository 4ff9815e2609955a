"""Test the commands of `adtech` that block and unblock people."""

from tests.conftest import Database
from tests.factories import people, rows
from tests.shell import shell_of


async def test_people_are_blocked_and_unblocked(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        whom = await rows.one(
            session, "SELECT telegram_id FROM users WHERE id = :id", id=deal.owner.user_id
        )
        admin = await rows.one(
            session, "SELECT telegram_id FROM users WHERE id = :id", id=deal.moderator.user_id
        )
    shell = shell_of(database)
    for command, said in (
        ("block", "blocked"),
        ("block", "they were already"),
        ("unblock", "not blocked"),
    ):
        ran = await shell.adtech(command, whom, "a reason", "--as", admin)
        assert (ran.status, said in ran.said) == (0, True), ran.said
    ran = await shell.adtech("block", 5, "nobody", "--as", admin)
    assert ran.status == 1
