"""Test Redis as hosting providers offer it: with TLS, users, Sentinel, a cluster, and far away."""

import asyncio
import itertools
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from aiogram.fsm.storage.base import StorageKey
from redis.exceptions import RedisError

from bot import outages, redis_link, redis_url, storage
from bot.redis_link import RedisAwayError, RedisLink
from bot.telegram.rate_limiter import RateLimiter
from db import address
from tests.chaos.proxy import Streams, run_proxy
from tests.conftest import ROOT
from tests.factories import valkeys
from tests.factories.valkeys import SERVICE, Servers

pytestmark = pytest.mark.keeps_limits

CHANNEL = -1001234567890
HALF_OF_300_MS = 0.15
_chats = itertools.count(CHANNEL, -1)
_people = itertools.count(2)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    async with valkeys.servers(tmp_path) as running:
        yield running


async def assert_shared(url: str) -> None:
    """Check that two processes share drafts and the limits of sends through the Redis at `url`."""
    redis_url.check(url)
    key = StorageKey(bot_id=1, chat_id=2, user_id=next(_people))
    first, second = (storage.FormStorage(storage.connect(url)) for _ in range(2))
    one, other = RateLimiter(url), RateLimiter(url)
    for user in (first, second, one, other):
        await valkeys.until(user.alive)  # on a busy machine, the first connection takes long

    async def is_saved() -> bool:
        await first.set_data(key, {"name": "Bakery"})
        return not first._unsaved

    await valkeys.until(is_saved)  # on a busy machine, one answer may come too late
    assert await second.get_data(key) == {"name": "Bakery"}
    await second.set_data(key, {})
    assert not second._unsaved
    assert await first.get_data(key) == {}
    chat_id, resting = next(_chats), next(_chats)
    assert await one.wait(chat_id, within=1) == 0
    assert 0 < await other.wait(chat_id, within=0) <= 1
    await one.cool_down(resting, timedelta(seconds=30))
    assert 28 < await other.wait(resting, within=0) <= 30
    for user in (first, second, one, other):
        assert await user.alive()
        await user.close()


def reach(port: int) -> Callable[[], Awaitable[Streams]]:
    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", port)

    return connect


def rights_of_the_page() -> list[str]:
    """Return the words of the command that docs/deploy.md gives for a user with an ACL."""
    found = re.search("^ACL SETUSER .*$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    assert found
    return found[0].replace(">PASSWORD", ">p@ss/w").split()


async def test_a_user_with_a_password_and_a_database(servers: Servers) -> None:
    port = await servers.start()
    await valkeys.command(port, *rights_of_the_page())
    await assert_shared(f"redis://adtech:p%40ss%2Fw@127.0.0.1:{port}/3")
    refused = RedisLink(f"redis://adtech:wrong@127.0.0.1:{port}/3")
    assert not await refused.alive()
    await refused.close()


async def test_tls_with_an_authority_of_the_hoster(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All tests share one context. The certificates that a connection adds would stay in it.
    own_contexts = ssl.create_default_context.__wrapped__  # type: ignore[attr-defined]  # made by cache
    monkeypatch.setattr(ssl, "create_default_context", own_contexts)
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with run_proxy(reach(await servers.start()), tls=context) as proxy:
        await assert_shared(f"rediss://127.0.0.1:{proxy.port}/0?ssl_ca_certs={file}")
        stranger = RedisLink(f"rediss://127.0.0.1:{proxy.port}/0")
        assert not await stranger.alive()
        await stranger.close()


@pytest.mark.parametrize("size", [1, 3])
async def test_a_cluster(servers: Servers, size: int) -> None:
    found = await valkeys.make_cluster(servers, size)
    for port in found:
        await valkeys.command(port, *rights_of_the_page(), "+cluster|slots")
    hosts = ",".join(f"127.0.0.1:{port}" for port in reversed(found))
    for _ in range(3):  # keys of several servers
        await assert_shared(f"redis+cluster://adtech:p%40ss%2Fw@{hosts}")


async def test_a_sentinel_that_does_not_answer_is_told_in_a_few_words() -> None:
    client, sentinels = redis_link.open_clients(
        f"redis+sentinel://127.0.0.1:1/{SERVICE}/0", decode_responses=True
    )
    with pytest.raises(RedisError) as refusal:
        await client.get("alive")
    assert outages.cause_of(refusal.value) == (
        f"MasterNotFoundError: No master found for '{SERVICE}'"
    )
    for each in (client, *sentinels):
        await each.aclose()


async def test_sentinel_names_the_new_primary(servers: Servers) -> None:
    first = await servers.start()
    second = await servers.start("--replicaof", f"127.0.0.1 {first}")
    sentinel = await servers.start_sentinel(first)
    url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel}/{SERVICE}/1"
    await valkeys.until(lambda: _knows_replica(sentinel))
    await assert_shared(url)
    kept = storage.FormStorage(storage.connect(url))
    key = StorageKey(bot_id=1, chat_id=2, user_id=1)
    await kept.set_data(key, {"name": "Bakery"})
    await servers.stop(first)
    await valkeys.until(lambda: _is_primary(second))
    await valkeys.until(kept.alive)
    await kept.set_data(key, {"name": "Bookshop"})
    assert not kept._unsaved
    await kept.close()
    await assert_shared(url)


async def _knows_replica(sentinel: int) -> bool:
    return bool(await valkeys.command(sentinel, "SENTINEL", "REPLICAS", SERVICE))


async def _is_primary(port: int) -> bool:
    answer = await valkeys.command(port, "ROLE")
    return isinstance(answer, list) and answer[0] == "master"


async def test_a_server_at_a_distance_of_300_ms_is_used(servers: Servers) -> None:
    port = await servers.start()
    await valkeys.command(port, *["ACL", "SETUSER", "adtech", "on", ">secret", "~*", "+@all"])
    async with run_proxy(reach(port)) as proxy:
        proxy.delay_seconds = HALF_OF_300_MS
        await assert_shared(f"redis://adtech:secret@127.0.0.1:{proxy.port}/1")


async def test_a_server_that_hangs_delays_once_and_is_used_again(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_link, "PAUSE_SECONDS", 0.1)
    async with run_proxy(reach(await servers.start())) as proxy:
        link = RedisLink(f"redis://127.0.0.1:{proxy.port}/0")
        assert await link.alive()
        proxy.swallow()
        begun = time.monotonic()
        for _ in range(20):
            with pytest.raises(RedisAwayError):
                await link.ask(lambda: link.client.get("key"))
        assert time.monotonic() - begun < 2
        await valkeys.until(link.alive)
        await link.close()


async def test_a_late_answer_ends_the_pause(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_link, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(redis_link, "PAUSE_SECONDS", 3_600)
    async with run_proxy(reach(await servers.start())) as proxy:
        proxy.delay_seconds = 0.15
        link = RedisLink(f"redis://127.0.0.1:{proxy.port}/0")
        with pytest.raises(RedisAwayError):
            await link.ask(lambda: link.client.set("key", "late"))
        proxy.delay_seconds = 0.0
        async with asyncio.timeout(30):
            await valkeys.until(link.alive)
        assert await link.ask(lambda: link.client.get("key")) == b"late"
        await link.close()


@pytest.mark.parametrize(
    ("url", "hosts", "service"),
    [
        ("redis://h", (("h", 6379),), ""),
        ("rediss://u:p@[::1]:7/2", (("::1", 7),), ""),
        ("unix:///run/valkey.sock?db=1", (), ""),
        ("redis+cluster://:p@h1:1,h2", (("h1", 1), ("h2", 6379)), ""),
        ("redis+sentinel://:p@h1,h2:2/forms/3", (("h1", 26379), ("h2", 2)), "forms"),
        ("redis+sentinel://h1/a%2Fb", (("h1", 26379),), "a/b"),
    ],
)
def test_an_address_is_read(url: str, hosts: tuple[tuple[str, int], ...], service: str) -> None:
    redis_url.check(url)
    place = redis_url.parse(url)
    assert (place.hosts, place.service) == (hosts, service)


def test_options_of_servers_and_of_sentinel_are_apart() -> None:
    url = "rediss+sentinel://u:p@h/forms/3?sentinel_password=other&ssl_cert_reqs=none"
    redis_url.check(url)
    place = redis_url.parse(url)
    tls = {"ssl": True, "ssl_cert_reqs": "none"}
    assert place.options == {"username": "u", "password": "p", "db": 3} | tls
    assert place.sentinel_options == {"password": "other"} | tls
    assert address.find_passwords(url) == {"p", "other"}


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://secret@h1,h2",
        "redis+sentinel://:secret@h1,h2:port/forms",
        "redis+sentinel://:secret@h1,h2/forms/secret",
        "redis+sentinel://:secret@h1/forms?unknown=secret",
        "redis+cluster://:secret@h1,h2/1",
        "redis+cluster://:secret@h1,h..2",
        "redis+cluster://:secret@h1?sentinel_password=secret",
        "redis+cluster://:secret@h1?ssl_cert_reqs=none",
        "redis://:secret@h1,h2",
        "redis+cluster://:secret@[h1",
        "valkey://:secret@h1",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refusal:
        redis_url.check(url)
    assert "secret" not in str(refusal.value)
