"""Test the status that `adtech status` and `/health` share, and its screen."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from bot import system_status
from bot.screens import system_status as screens
from bot.texts import LANGUAGES, Texts
from db.models.operations import Switch
from services.platform import heartbeats, killswitches
from services.platform.actors import SYSTEM
from services.platform.system_status import PARTS, Line, State, Unit, unknown
from tests.conftest import Database
from tests.shell import Shell, shell_of

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


async def test_a_dead_redis_and_scheduler_are_lines_of_the_status(database: Database) -> None:
    ran = await shell_of(database).adtech("status")
    assert ran.status == 1
    assert ran.err == ""
    assert "Connect call failed" in next(x for x in ran.out.splitlines() if x.startswith("redis"))
    lines = {line.split()[0]: line.split()[1:4] for line in ran.out.splitlines()}
    assert lines["database"] == ["answers", "text", "ok"]
    assert lines["redis"] == ["does_not_answer", "text", "LOOK"]
    assert lines["schedulers_alive"] == ["0", "count", "LOOK"]


async def test_a_database_that_does_not_answer_leaves_the_rest_readable() -> None:
    shell = Shell(
        {
            "BOT_TOKEN": "1:secret",
            "ADMIN_CHAT_ID": "-1001",
            "DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/adtech",
            "REDIS_URL": "redis://127.0.0.1:1",
        }
    )
    ran = await shell.adtech("status")
    assert ran.status == 3
    lines = {line.split()[0]: line.split(maxsplit=4)[1:] for line in ran.out.splitlines()}
    assert lines["database"][:3] == ["does_not_answer", "text", "LOOK"]
    assert "ConnectionRefusedError" in lines["database"][3]
    assert "secret" not in ran.said
    assert ran.err.startswith("The database did not answer. Check that PostgreSQL runs")
    assert lines["posts_due"][:3] == ["unknown", "count", "unknown"]
    assert lines["product_version"][0] == system_status.product_version()


async def test_a_database_that_answers_and_does_not_save_needs_a_human(database: Database) -> None:
    shell = shell_of(database)
    for kind, shown, advice in (
        ("other", "fails", "A process finds that the database fails, for example that a table is"),
        ("disk_full", "disk_full", "The disk of PostgreSQL is full, so nothing can be saved. Free"),
    ):
        async with database.sessions.begin() as session:
            facts = {f"database_outage_{kind}": 21.0}
            await heartbeats.beat(session, owner="bot", name=heartbeats.BOT, facts=facts)
        ran = await shell.adtech("status")
        assert ran.status == 1
        assert f"database                       {shown} " in ran.out
        assert "LOOK" in ran.out.splitlines()[1]
        assert ran.err.startswith(advice)
    name = make_url(database.url).database
    await database.as_owner(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "database                       read_only " in (await shell.adtech("status")).out


async def test_a_wrong_password_is_not_an_outage(database: Database) -> None:
    shell = shell_of(database)
    wrong = make_url(database.url).set(password="wrong")
    shell.environment["DATABASE_URL"] = wrong.render_as_string(hide_password=False)
    ran = await shell.adtech("status")
    assert ran.status == 3
    assert "refuses_the_login" in ran.out
    assert "database                       refuses_the_login" in ran.out
    assert ran.err.startswith("PostgreSQL refuses the login. Correct user, password")


async def test_a_missing_database_is_not_a_wrong_password(database: Database) -> None:
    shell = shell_of(database)
    gone = make_url(database.url).set(database="nowhere")
    shell.environment["DATABASE_URL"] = gone.render_as_string(hide_password=False)
    ran = await shell.adtech("status")
    assert ran.status == 3
    assert "database                       is_missing" in ran.out
    assert ran.err.startswith("PostgreSQL has no such database. Correct the name in DATABASE_URL.")


async def test_reasons_of_switches_are_words(database: Database) -> None:
    async with database.sessions.begin() as session:
        await killswitches.stop_all(session, actor=SYSTEM, reason="")
    ran = await shell_of(database).adtech("status")
    assert ran.out.count("no reason was given") == len(Switch)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_line_has_a_text_and_fits_a_message(language: str) -> None:
    t = Texts(language, "USD")
    names = [name for part in PARTS for name in part.lines]
    for name in (*names, "database", "redis", "schema_revision", "product_version"):
        line = Line(name, 5, Unit.COUNT, State.OK)
        assert f"✅ {name}: 5" not in screens.status(t, [line], AT).text
    everything = [
        *(Line(key.value, "STOPPED", Unit.TEXT, State.OK, "ш" * 3_000) for key in Switch),
        *(Line(name, 5, Unit.COUNT, State.ATTENTION, "x" * 50) for name in names),
        Line("open_incidents", 500, Unit.COUNT, State.ATTENTION, "#1 ledger_violation, " * 500),
        *unknown()[-2:],
    ]
    assert len(screens.status(t, everything, AT).text) < 4096


def test_values_are_shown_in_their_units() -> None:
    t = Texts("en", "USD")
    for value, unit, shown in (
        (119, Unit.SECONDS, ": 119 s"),
        (120, Unit.SECONDS, ": 2 min"),
        (7_199, Unit.SECONDS, ": 119 min"),
        (7_200, Unit.SECONDS, ": 2 h"),
        (None, Unit.SECONDS, ": none"),
        (1_250, Unit.MONEY, ": $12.50"),
        (AT, Unit.TIME, t.time(AT)),
        ("does_not_answer", Unit.TEXT, "DOES NOT ANSWER"),
        ("disk_full", Unit.TEXT, "ITS DISK IS FULL: NOTHING CAN BE SAVED"),
        ("read_only", Unit.TEXT, "READ-ONLY: NOTHING CAN BE SAVED"),
        ("fails", Unit.TEXT, "FAILS FOR A PART OF THE WORK"),
    ):
        assert shown in screens.status(t, [Line("money_held", value, unit, State.OK)], AT).text


def test_what_needs_a_human_comes_first() -> None:
    lines = [
        Line("payouts", "running", Unit.TEXT, State.OK, "resolved"),
        Line("bot", "takes_no_updates", Unit.TEXT, State.ATTENTION),
    ]
    shown = screens.status(Texts("en", "USD"), lines, AT).text.splitlines()
    assert shown == [
        "🩺 Health, 2 Jan 2026 03:04 UTC",
        "⚠️ One line needs a human:",
        "⚠️ the bot: TAKES NO UPDATES",
        "",
        "The rest is well:",
        "🟢 payouts: running (resolved)",
    ]
    assert screens.status(Texts("en", "USD"), lines[:1], AT).text.splitlines()[1:] == [
        "✅ Nothing needs a human.",
        "🟢 payouts: running (resolved)",
    ]
