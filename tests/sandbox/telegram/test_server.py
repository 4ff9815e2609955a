"""Test that the sandbox sends the files of its web page with security headers."""

import pytest

from tests.sandbox.telegram.raw_world import SandboxClient


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api.js", "/chat.js"])
async def test_page_loads_nothing_from_elsewhere(world: SandboxClient, path: str) -> None:
    async with world.http.get(world.url + path) as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        text = await response.text()
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "https://" not in text
    assert "innerHTML" not in text
    assert len(text) > 500


async def test_unknown_address(world: SandboxClient) -> None:
    async with world.http.get(f"{world.url}/nothing") as response:
        assert response.status == 404
        assert response.headers["X-Content-Type-Options"] == "nosniff"
