"""Test the bot's HTTP server: the webhook, and the pages about health and metrics."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from bot import http, outages
from bot.settings import Settings
from db.models.operations import Switch
from services.platform import heartbeats
from tests.handlers.marketplace import Marketplace

SECRET = "webhook-secret"


@dataclass
class HttpClient:
    """A client of the bot's HTTP server."""

    url: str
    client: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, Any]:
        """Request a page, and return the status and the JSON of the answer."""
        async with self.client.get(f"{self.url}{path}") as response:
            return response.status, await response.json()

    async def post(self, body: Any, **headers: str) -> int:
        """Call the webhook, and return the status of the answer."""
        async with self.client.post(f"{self.url}/hook", json=body, headers=headers) as response:
            return response.status


@pytest.fixture
async def http_client(market: Marketplace) -> AsyncIterator[HttpClient]:
    """Yield a client of a running bot with a webhook."""
    settings = Settings.model_validate(
        market.dependencies.settings.model_dump()
        | {"webhook_url": "https://bot.example.com/hook", "webhook_secret": SECRET}
    )
    runner = web.AppRunner(
        http.application(replace(market.dependencies, settings=settings), market.worker)
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as client:
        yield HttpClient(f"http://127.0.0.1:{runner.addresses[0][1]}", client)
    await runner.cleanup()


async def test_live_does_not_depend_on_other_parts(http_client: HttpClient) -> None:
    assert await http_client.get("/api/health/live") == (200, {"ok": True})


async def test_ready_names_every_switch(market: Marketplace, http_client: HttpClient) -> None:
    async with market.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="test", name="scheduler")
    await market.set_switch(Switch.PAYOUTS, enabled=False)
    status, facts = await http_client.get("/api/health/ready")
    assert [facts[name] for name in ("database", "migrations", "scheduler")] == [True] * 3
    assert facts["redis"] is False
    assert facts["switches"]["payouts"] == "disabled"
    assert facts["switches"]["refunds"] == "enabled"
    assert set(facts["switches"]) == {switch.value for switch in Switch}
    # Redis is not available in this test. A bot without Redis is not well, but it may serve.
    assert (status, facts["ok"], facts["well"]) == (200, True, False)


async def test_a_dead_scheduler_does_not_take_the_bot_away(
    http_client: HttpClient,
) -> None:
    status, facts = await http_client.get("/api/health/ready")
    assert (status, facts["ok"], facts["scheduler"], facts["bot"]) == (200, True, False, False)


async def test_a_database_that_answers_and_does_not_save_is_not_well(
    http_client: HttpClient,
) -> None:
    outages.note_failure(outages.DATABASE, "disk_full")
    assert (await http_client.get("/api/health/ready"))[1]["saves"] is True
    outages._outages[outages.DATABASE].first_at -= outages.LONG_SECONDS + 1
    status, facts = await http_client.get("/api/health/ready")
    assert (status, facts["ok"], facts["saves"]) == (200, True, False)


async def test_an_old_schema_is_not_ready(market: Marketplace, http_client: HttpClient) -> None:
    await market.database.as_owner("UPDATE alembic_version SET version_num = '0001'")
    status, facts = await http_client.get("/api/health/ready")
    assert (status, facts["migrations"]) == (503, False)


async def test_a_missing_switch_is_not_ready(market: Marketplace, http_client: HttpClient) -> None:
    await market.database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    status, facts = await http_client.get("/api/health/ready")
    assert (status, facts["switches"]["payouts"]) == (503, "missing")


async def test_the_webhooks_port_has_no_metrics(http_client: HttpClient) -> None:
    async with http_client.client.get(f"{http_client.url}/metrics") as response:
        assert response.status == 404


async def test_the_webhook_requires_its_secret(http_client: HttpClient) -> None:
    assert await http_client.post({"update_id": 1}) == 403
    assert await http_client.post({"update_id": 1}, **{http.SECRET_HEADER: "wrong"}) == 403
    assert await http_client.post({"update_id": 1}, **{http.SECRET_HEADER: "пароль"}) == 403


async def test_a_secret_of_any_bytes_is_refused(http_client: HttpClient) -> None:
    address = urlsplit(http_client.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{http.SECRET_HEADER}: "
    writer.write(head.encode() + b"\xff\r\n\r\n")
    assert b" 403 " in await reader.readline()
    writer.close()


async def test_a_large_update_is_taken(market: Marketplace, http_client: HttpClient) -> None:
    """Check an update above 1 MB. Telegram would send a refused one again for a day."""
    body = io.BytesIO(json.dumps({"update_id": 5, "message": {"text": "x" * 2_000_000}}).encode())
    headers = {http.SECRET_HEADER: SECRET}
    url = f"{http_client.url}/hook"
    async with http_client.client.post(url, data=body, headers=headers) as response:
        assert response.status == 200
    assert await market.value("SELECT count(*) FROM inbox WHERE update_id = 5") == 1
    told = {"chat": {"id": -5, "type": "channel"}, "message_id": 7, "date": 1, "reactions": []}
    update = {"update_id": 6, "message_reaction_count": told}
    assert await http_client.post(update, **{http.SECRET_HEADER: SECRET}) == 200
    assert market.worker.reactions._waiting == {(-5, 7): 0}
    assert await market.value("SELECT count(*) FROM inbox WHERE update_id = 6") == 0


async def test_a_webhook_update_goes_through_the_inbox(
    market: Marketplace, http_client: HttpClient
) -> None:
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    body = {
        "update_id": 5,
        "message": {
            "message_id": 5,
            "date": 1,
            "chat": {"id": person["id"], "type": "private"},
            "from": person,
            "text": "/start",
        },
    }
    for _ in range(2):
        assert await http_client.post(body, **{http.SECRET_HEADER: SECRET}) == 200
    await market.settle()
    assert "Welcome" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM inbox WHERE update_id = 5") == 1


async def test_an_unreadable_webhook_body_is_accepted_and_dropped(http_client: HttpClient) -> None:
    secret = {http.SECRET_HEADER: SECRET}
    assert await http_client.post(["no", "update"], **secret) == 200
    async with http_client.client.post(
        f"{http_client.url}/hook", data=b"\xff{", headers=secret
    ) as response:
        assert response.status == 200
