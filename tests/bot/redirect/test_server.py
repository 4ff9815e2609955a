"""Test the redirect in raw HTTP: what it answers, what it never says, and many at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from aiohttp import web

from bot.redirect import server
from bot.redirect.server import HEADERS, Redirect, Server
from bot.redirect.targets import Targets
from services.market.link_clicks import Link

TOKEN = "t" * 22
URL = "https://shop.example/buy?a=1#b"
BROWSER = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\n"
HOST = "Host: go.example.com\r\n"


@asynccontextmanager
async def serving(redirect: Redirect) -> AsyncIterator[int]:
    """Serve the redirect, and yield its port."""
    runner = web.ServerRunner(Server(redirect))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def redirect() -> Redirect:
    """Return a redirect that knows one link."""
    known = Redirect(Targets(None), (ip_network("127.0.0.0/8"),))
    works_until = datetime.now(UTC) + timedelta(hours=1)
    known.targets.update([Link(TOKEN, 7, URL, works_until)], datetime.now(UTC))
    return known


@pytest.fixture
async def port(redirect: Redirect) -> AsyncIterator[int]:
    """Serve the redirect, and yield its port."""
    async with serving(redirect) as opened:
        yield opened


async def ask(port: int, request: str | bytes) -> tuple[str, str]:
    """Send the bytes of a request, and return the head and the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request if isinstance(request, bytes) else request.encode())
    answer = (await asyncio.wait_for(reader.read(), 10)).decode("latin-1")
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def get(path: str, headers: str = BROWSER, method: str = "GET") -> str:
    """Return a request that is the last one of its connection."""
    return f"{method} {path} HTTP/1.1\r\n{HOST}{headers}Connection: close\r\n\r\n"


async def test_a_link_leads_to_its_target_and_says_nothing_else(port: int) -> None:
    head, body = await ask(port, get(f"/r/{TOKEN}"))
    status, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status == "HTTP/1.1 302 Found"
    assert headers.pop("Location") == URL
    assert {name: headers.pop(name) for name in HEADERS} == HEADERS
    assert set(headers) <= {"Content-Length", "Content-Type", "Date", "Connection"}
    assert body == ""
    assert HEADERS["Cache-Control"] == "no-store"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    head, body = await ask(port, get(f"/r/{TOKEN}", method="HEAD"))
    assert head.startswith("HTTP/1.1 302 Found")
    assert f"Location: {URL}" in head
    assert body == ""


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/r/",
            f"/r/{TOKEN}x",
            f"/r/{'u' * 22}",
            "/r/https://evil.example",
            "//evil.example",
        ),
        *("/r/%0d%0aLocation:%20//evil.example", f"/r/{TOKEN}%00", "/r/..%2f..%2fetc", "/metrics"),
        *("/r/" + "u" * 8_000, "/api/health/ready", f"http://evil.example/r/{TOKEN}", "*"),
        "/r/<script>alert(1)</script>?evil-words",
    ],
)
async def test_anything_else_gets_a_page_in_words(redirect: Redirect, port: int, path: str) -> None:
    head, body = await ask(port, get(path))
    assert head.split(" ")[1] in {"404", "400"}
    assert "Location" not in head
    assert "Set-Cookie" not in head
    assert "nosniff" in head
    for said in ("evil", "script>alert", "etc", "uuuu", TOKEN):
        assert said not in head + body
    assert "link" in body or "request" in body
    assert len(redirect.clicks) == 0


@pytest.mark.parametrize(
    "request_",
    [
        get("/r/" + "u" * 20_000),
        get("/", headers="X: " + "evil" * 5_000 + "\r\n"),
        get("/", headers="".join(f"evil{n}: x\r\n" for n in range(200))),
        "GET /r/evil words HTTP/1.1\r\n\r\n",
        "evil\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00evil\xff\r\n\r\n",
        "GET /r/\r\nevil HTTP/1.1\r\n\r\n",
        f"POST /r/{TOKEN} HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nevil",
        f"DELETE /r/{TOKEN} HTTP/1.1\r\n{HOST}\r\n",
    ],
)
async def test_what_is_no_request_for_a_link_is_refused_without_its_words(
    redirect: Redirect, port: int, request_: str | bytes
) -> None:
    head, body = await ask(port, request_)
    assert head.split(" ")[1] in {"400", "405"}
    assert "evil" not in head + body
    assert "Location" not in head
    assert len(redirect.clicks) == 0
    assert (await ask(port, get(f"/r/{TOKEN}")))[0].startswith("HTTP/1.1 302")


async def test_people_and_programs_are_kept_apart(redirect: Redirect, port: int) -> None:
    for headers in (
        BROWSER,
        BROWSER,
        BROWSER + "X-Forwarded-For: 198.51.100.1\r\n",
        BROWSER + "X-Forwarded-For: 198.51.100.2, 198.51.100.1\r\n",
        BROWSER + "X-Forwarded-For: 198.51.100.3\r\n",
        BROWSER + "Purpose: prefetch\r\n",
        "User-Agent: TelegramBot (like TwitterBot)\r\n",
        "",
    ):
        assert (await ask(port, get(f"/r/{TOKEN}", headers)))[0].startswith("HTTP/1.1 302")
    await ask(port, get(f"/r/{TOKEN}", method="HEAD"))
    taken = redirect.clicks.take()
    assert sorted(each.count for each in taken if each.hash is not None) == [1, 2, 2]
    assert [each.count for each in taken if each.hash is None] == [4]
    assert {(each.target_id, each.day) for each in taken} == {(7, datetime.now(UTC).date())}


async def test_a_link_stops_by_the_time_of_the_database(redirect: Redirect, port: int) -> None:
    redirect.clock.set(datetime.now(UTC) + timedelta(hours=2))
    assert (await ask(port, get(f"/r/{TOKEN}")))[0].startswith("HTTP/1.1 404")


async def test_many_connections_are_ended_and_silent_ones_too(
    redirect: Redirect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 5)
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    async with serving(redirect) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        silent[0][1].write(b"GET /r/slow")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get(f"/r/{TOKEN}").encode())
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        for reader, writer in silent:
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        assert (await ask(port, get(f"/r/{TOKEN}")))[0].startswith("HTTP/1.1 302")


async def test_many_requests_at_once_are_all_answered(redirect: Redirect, port: int) -> None:
    async def visit() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /r/{TOKEN} HTTP/1.1\r\n{HOST}{BROWSER}\r\n".encode() * 20)
        writer.write(get(f"/r/{TOKEN}").encode())
        answer = await reader.read()
        writer.close()
        return answer.count(b"302 Found")

    assert sum(await asyncio.gather(*(visit() for _ in range(50)))) == 50 * 21
    assert sum(each.count for each in redirect.clicks.take()) == 50 * 21
