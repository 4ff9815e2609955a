"""Test addresses as hosting providers give them, with a front server that speaks TLS."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import address
from db.session import create_engine, create_sessions
from sandbox import embedded
from tests.conftest import Database

FACTS = text(
    "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
    " current_setting('TimeZone')"
)
TLS_REQUEST = struct.pack("!II", 8, 80877103)
CHUNK = 65_536


@dataclass
class Hoster:
    """A front server that speaks TLS, before a database, and the files of two authorities."""

    database: str
    credentials: str
    authority: Path
    other_authority: Path
    port: int = 0
    encrypted: list[bool] = field(default_factory=list)
    """Whether TLS is used, for each connection that has begun a session."""

    def url(self, options: str = "", *, hosts: str = "") -> str:
        """Return an address with options, for this server or for other hosts."""
        place = hosts or f"127.0.0.1:{self.port}"
        return f"postgres://{self.credentials}@{place}/{self.database}?{options}"

    def url_of(self, mode: str, authority: str) -> str:
        """Return an address with a mode of TLS, and with the file of an authority."""
        files = {"right": self.authority, "other": self.other_authority, "system": "system"}
        roots = f"&sslrootcert={files[authority]}" if authority else ""
        return self.url(f"sslmode={mode}{roots}")


@pytest.fixture
async def hoster(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> AsyncIterator[Hoster]:
    made = {tmp_path / name: trustme.CA() for name in ("authority.pem", "other.pem")}
    for file, authority in made.items():
        authority.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    next(iter(made.values())).issue_cert("db.example").configure_cert(context)
    place = address.parse(database.url)
    right, other = made
    found = Hoster(place.database, f"{place.user}:{quote(place.password)}", right, other)
    socket = server.socket_folder / ".s.PGSQL.5432"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            begin = await reader.readexactly(8)
            encrypted = begin == TLS_REQUEST
            if encrypted:
                writer.write(b"S")
                await writer.start_tls(context)
                begin = await reader.readexactly(8)
            found.encrypted.append(encrypted)
            far_reader, far_writer = await asyncio.open_unix_connection(socket)
            far_writer.write(begin)
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
    writer.close()


@pytest.fixture(autouse=True)
def own_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection see the certificates of another one: all tests share one context."""
    made = ssl.create_default_context.__wrapped__  # type: ignore[attr-defined]  # made by cache
    monkeypatch.setattr(ssl, "create_default_context", made)


async def ask(url: str) -> tuple[str, str, str]:
    """Connect, and return three settings of the session."""
    engine = create_engine(url)
    try:
        async with create_sessions(engine).begin() as session:
            name, limit, zone = (await session.execute(FACTS)).one()
            return name, limit, zone
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("mode", "authority"),
    [
        ("disable", ""),
        ("allow", ""),
        ("prefer", ""),
        ("require", ""),
        ("require", "right"),
        ("verify-ca", "right"),
    ],
)
async def test_each_mode_of_tls_connects(hoster: Hoster, mode: str, authority: str) -> None:
    await ask(hoster.url_of(mode, authority))
    assert hoster.encrypted[-1] is (mode not in ("disable", "allow"))


@pytest.mark.parametrize(
    ("mode", "authority"),
    [
        ("require", "other"),
        ("verify-ca", "other"),
        ("verify-full", "other"),
        ("verify-full", "right"),  # the certificate is for another name
        ("require", "system"),
        ("verify-full", "system"),
    ],
)
async def test_a_server_that_is_not_proven_is_refused(
    hoster: Hoster, mode: str, authority: str
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(hoster.url_of(mode, authority))
    assert hoster.encrypted == []


async def test_options_reach_the_session(hoster: Hoster) -> None:
    options = "application_name=ads&options=-c%20statement_timeout%3D7s&connect_timeout=9"
    assert await ask(hoster.url(f"sslmode=require&{options}")) == ("ads", "7s", "UTC")


async def test_the_host_that_can_be_written_is_used(hoster: Hoster) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{hoster.port}"
    assert await ask(hoster.url("target_session_attrs=read-write", hosts=hosts))
    with pytest.raises(DBAPIError, match="None of the hosts match"):
        await ask(hoster.url("target_session_attrs=standby"))
