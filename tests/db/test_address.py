"""Test which forms of a database address are accepted."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import address
from db.session import cause, create_engine, create_sessions, is_refused
from sandbox import embedded
from tests.conftest import Database

EVERYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize(
    ("url", "user", "password", "hosts", "database"),
    [
        ("postgres://u:p@h/d?sslmode=require", "u", "p", [("h", 5432)], "d"),
        ("postgresql+asyncpg://u:p@h:6543/d", "u", "p", [("h", 6543)], "d"),
        ("postgresql://u:a%40b%2Fc@h/d", "u", "a@b/c", [("h", 5432)], "d"),
        ("postgresql://u:a@b#c/d?e@h/d", "u", "a@b#c/d?e", [("h", 5432)], "d"),
        ("postgresql://u:${HOME}%@h/d", "u", "${HOME}%", [("h", 5432)], "d"),
        ("postgresql://u@server:p@h/d", "u@server", "p", [("h", 5432)], "d"),
        ("postgresql://u:p@h1:1,h2:2/d", "u", "p", [("h1", 1), ("h2", 2)], "d"),
        ("postgresql://u:p@h1,h2/d?port=7", "u", "p", [("h1", 7), ("h2", 7)], "d"),
        ("postgresql://u:p@[::1]:6543/d", "u", "p", [("::1", 6543)], "d"),
        ("postgresql://u@%2Frun%2Fpg/d", "u", "", [("/run/pg", 5432)], "d"),
        ("postgresql://u@/d?host=/run/my pg&port=6543", "u", "", [("/run/my pg", 6543)], "d"),
        ("postgresql://h/d?user=a@b&password=c+d", "a@b", "c+d", [("h", 5432)], "d"),
        ("postgresql://u:p@h", "u", "p", [("h", 5432)], "u"),
        ("postgresql://u:p[x]y@h/d", "u", "p[x]y", [("h", 5432)], "d"),
        ("postgresql://u:p\u2100x@h/d", "u", "p\u2100x", [("h", 5432)], "d"),
        ("postgresql://u:p@[fe80::1%eth0]/d", "u", "p", [("fe80::1%eth0", 5432)], "d"),
        ("postgresql://u:p@[fe80::1%25eth0]:6543/d", "u", "p", [("fe80::1%eth0", 6543)], "d"),
        ("postgresql://u:p@/d?host=::1,h2&port=7", "u", "p", [("::1", 7), ("h2", 7)], "d"),
        ("postgresql://u:p@/d?hostaddr=10.0.0.1", "u", "p", [("10.0.0.1", 5432)], "d"),
    ],
)
def test_an_address_is_read(
    url: str, user: str, password: str, hosts: list[tuple[str, int]], database: str
) -> None:
    read = address.parse(url)
    assert (read.user, read.password) == (user, password)
    assert (list(read.hosts), read.database) == (hosts, database)


def test_options_of_other_programs_are_left_out() -> None:
    options = (
        "channel_binding=require&pgbouncer=true&connection_limit=5&schema=public&sslmode=require"
    )
    read = address.parse(
        f"postgresql://u:p@h/d?{options}&application_name=ads&options=endpoint%3Da"
    )
    assert read.pooled
    assert read.ssl_mode == "require"
    assert read.server_options == {"application_name": "ads", "options": "endpoint=a"}
    assert read.driver_options == {}


@pytest.mark.parametrize(
    ("options", "unproven"),
    [
        ("sslmode=require&channel_binding=require", ("channel_binding",)),
        ("channel_binding=prefer&gssencmode=disable", ()),
        ("require_auth=scram-sha-256&gssencmode=require", ("gssencmode", "require_auth")),
        ("sslmode=verify-full&sslrootcert=system&channel_binding=require", ()),
        ("sslrootcert=system&channel_binding=require", ()),
    ],
)
def test_a_proof_that_the_driver_cannot_give_is_named(
    options: str, unproven: tuple[str, ...]
) -> None:
    assert address.parse(f"postgresql://u:p@h/d?{options}").unproven == unproven


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u@h/d",
        "u:p@h/d",
        "postgresql://h/d",
        "postgresql://u:secret@h:99999/d",
        "postgresql://u:secret@h:port/d",
        "postgresql://u:secret@[::1/d",
        "postgresql://u:secret@h/d?sslmode=maybe",
        "postgresql://u:secret@h1,h2/d?target_session_attrs=writable",
        "postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert=/none/root.crt",
        "postgresql://u:secret@h/d?sslmode=verify-full",
        "postgresql://u:secret@h/d?ssl=secret",
        "postgresql://u:secret@h/d?sslMode=require",
        "postgresql://u:secret@h/d?sslaccept=strict",
        "postgresql://u:secret@h/d?requiressl=1",
        "postgresql://u:secret@h/d?useSSL=true",
        "postgresql://u:secret@h/d?sslnegotiation=direct",
        "postgresql://u:secret@h/d?sslmode=require&sslnegotiation=secret",
        "postgresql://u:secret@h/d?ssl_min_protocol_version=TLSv9",
        "postgresql://u:secret@db..supabase.co/d",
        "postgresql://u:secret@.x/d",
        f"postgresql://u:secret@{'a' * 64}/d",
        "postgresql://u:secret@[v1.x]/d",
        "postgresql://u:secret@[::1::2]/d",
        "postgresql://u:secret%00@h/d",
        "postgresql://u:secret\udcff@h/d",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refusal:
        address.parse(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ("", "prefer"),
        ("ssl=true", "require"),
        ("ssl=1", "require"),
        ("ssl=require", "require"),
        ("ssl=no-verify", "require"),
        ("sslmode=no-verify", "require"),
        ("sslmode=REQUIRE&sslsni=1", "require"),
        ("ssl=false", "disable"),
        ("ssl=true&sslmode=prefer", "require"),
        ("ssl=false&sslmode=require", "require"),
        ("ssl=verify-full&sslrootcert=system", "system"),
    ],
)
def test_tls_is_demanded_in_the_words_of_hosting_providers(options: str, mode: str) -> None:
    assert address.parse(f"postgresql://u:p@h/d?{options}").ssl_mode == mode


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://u:p[x]y@h/d", {"p[x]y"}),
        ("postgresql://u:a@b#c/d?e@h/d", {"a@b#c/d?e"}),
        ("postgresql://u:a%40b%2Bc@h/d", {"a%40b%2Bc", "a@b+c"}),
        ("postgresql://h/d?user=u&password=c+d&sslpassword=key", {"c+d", "c d", "key"}),
        ("redis://:p\u2100x@h/0", {"p\u2100x"}),
        ("redis://h/0?password=secret", {"secret"}),
        ("42:token", set()),
    ],
)
def test_every_password_in_a_url_is_found(url: str, passwords: set[str]) -> None:
    assert address.find_passwords(url) == passwords


@given(EVERYTHING, EVERYTHING)
def test_an_escaped_name_and_password_are_kept(user: str, password: str) -> None:
    escaped = f"{quote(user, safe='')}:{quote(password, safe='')}"
    read = address.parse(f"postgresql://{escaped}@h/d?a=b")
    assert (read.user, read.password, read.hosts) == (user, password, (("h", 5432),))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        address.parse(f"postgresql://{text}").connect_arguments()
    except ValueError as error:
        assert str(error).startswith("must ")  # noqa: PT017 - most texts raise no error


async def _connect(url: str) -> str:
    """Assert that a connection has the time zone UTC, and return the database's name."""
    engine = create_engine(url)
    try:
        async with create_sessions(engine).begin() as session:
            found = await session.execute(
                text("SELECT current_database(), current_setting('TimeZone'), :n + 1"), {"n": 1}
            )
            database, zone, two = found.one()
            assert (zone, two) == ("UTC", 2)
            return str(database)
    finally:
        await engine.dispose()


async def test_variables_of_postgresql_clients_change_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "PGHOST": "nowhere.invalid",
        "PGPORT": "6432",
        "PGUSER": "nobody",
        "PGPASSWORD": "wrong",
        "PGDATABASE": "nothing",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(tmp_path / "none.crt"),
        "PGOPTIONS": "-c default_transaction_read_only=on",
        "PGSERVICE": "other",
        "PGPASSFILE": str(tmp_path),
        "PGTARGETSESSIONATTRS": "standby",
        "PGTZ": "Mars/Olympus",
    }.items():
        monkeypatch.setenv(name, value)
    assert await _connect(database.url) == database.url.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize("mode", ["prefer", "require"])
async def test_files_of_postgresql_clients_change_nothing(
    mode: str, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Check the files of `~/.postgresql` and `~`, which belong to other servers."""
    (tmp_path / ".postgresql").mkdir()
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (tmp_path / ".postgresql" / name).write_text("not a certificate")
    (tmp_path / ".pgpass").write_text("*:*:*:*:wrong")
    (tmp_path / ".pg_service.conf").write_text("[other]\nhost=nowhere.invalid")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConnectionRefusedError):
        await _connect(f"postgresql://u:p@127.0.0.1:1/d?sslmode={mode}")
    assert await _connect(database.url)


async def test_options_that_the_server_does_not_know_are_no_obstacle(database: Database) -> None:
    more = "sslmode=require&channel_binding=require&connect_timeout=9&gssencmode=disable"
    assert await _connect(f"{database.url}&{more}")


async def test_the_server_that_an_address_asks_for_is_used(database: Database) -> None:
    """Check that an address that asks for a standby refuses a server that accepts writes."""
    assert await _connect(f"{database.url}&target_session_attrs=read-write")
    with pytest.raises(DBAPIError, match="None of the hosts match"):
        await _connect(f"{database.url}&target_session_attrs=standby")


async def test_a_refusal_is_told_in_one_line(database: Database) -> None:
    password = address.parse(database.url).password
    with pytest.raises(DBAPIError) as refusal:
        await _connect(database.url.replace(password, "wrong"))
    assert is_refused(refusal.value)
    assert cause(refusal.value) == (
        'InvalidPasswordError: password authentication failed for user "adtech_app"'
    )


@asynccontextmanager
async def _pooler(postgres: embedded.Postgres, folder: Path) -> AsyncIterator[Path]:
    """Run a proxy that refuses the setting `jit`, and yield the folder of the proxy's socket."""
    target = postgres.socket_folder / ".s.PGSQL.5432"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = struct.unpack("!I", await reader.readexactly(4))[0]
        begin = await reader.readexactly(length - 4)
        if b"jit" in begin:
            # PgBouncer answers like this in its default configuration.
            fields = b"SERROR\0C08P01\0Munsupported startup parameter: jit\0\0"
            writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(target)
        far_writer.write(struct.pack("!I", length) + begin)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    async with await asyncio.start_unix_server(serve, folder / ".s.PGSQL.5432"):
        yield folder


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_a_pooler_that_refuses_settings_works(
    database: Database, server: embedded.Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("p")
    async with _pooler(server, folder) as socket:
        direct = address.parse(database.url)
        credentials = f"{quote(direct.user, safe='')}:{quote(direct.password, safe='')}"
        url = f"postgresql://{credentials}@/{direct.database}?host={socket}"
        assert await _connect(url) == direct.database
        assert await _connect(f"{url}&pgbouncer=true") == direct.database
