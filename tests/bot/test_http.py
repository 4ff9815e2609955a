"""Test the bot's HTTP server: the webhook, and the pages about health and metrics."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot import http
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
    # Redis is not available in this test, and the page of readiness says so.
    assert status == 503


async def test_a_missing_switch_is_not_ready(market: Marketplace, http_client: HttpClient) -> None:
    await market.database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    status, facts = await http_client.get("/api/health/ready")
    assert (status, facts["switches"]["payouts"]) == (503, "missing")


async def test_metrics_count_updates(market: Marketplace, http_client: HttpClient) -> None:
    await market.say("advertiser", "/start")
    async with http_client.client.get(f"{http_client.url}/metrics") as response:
        text = await response.text()
    assert 'adtech_updates_total{kind="message"}' in text


async def test_metrics_show_the_lag_of_the_scheduler(
    market: Marketplace, http_client: HttpClient
) -> None:
    async with market.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="one", name="scheduler", loop_lag=2.5)
        await heartbeats.beat(session, owner="other", name="scheduler", loop_lag=0.5)
    async with http_client.client.get(f"{http_client.url}/metrics") as response:
        assert "adtech_scheduler_loop_lag_seconds 2.5" in await response.text()


async def test_the_webhook_requires_its_secret(http_client: HttpClient) -> None:
    assert await http_client.post({"update_id": 1}) == 403
    assert await http_client.post({"update_id": 1}, **{http.SECRET_HEADER: "wrong"}) == 403
    assert await http_client.post({"update_id": 1}, **{http.SECRET_HEADER: "пароль"}) == 403


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
