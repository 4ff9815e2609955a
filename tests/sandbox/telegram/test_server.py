"""Test that the sandbox sends the files of its web page with security headers."""

import re

import pytest

from sandbox.telegram.server import WEB
from tests.sandbox.telegram.raw_world import SandboxClient

FILES = sorted(path.name for path in WEB.iterdir())
FROM_ELSEWHERE = re.compile(r"""(?:src=|href=|from |import |url\()["']?(?:https?:|//)""")
"""A file that a page would load from another site."""


@pytest.mark.parametrize("name", FILES)
async def test_page_loads_nothing_from_elsewhere(world: SandboxClient, name: str) -> None:
    address = "/" if name == "index.html" else f"/{name}"
    async with world.http.get(world.url + address) as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        text = await response.text()
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert not FROM_ELSEWHERE.search(text)
    assert "innerHTML" not in text
    assert len(text) > 300


def test_each_text_of_the_page_is_in_each_language() -> None:
    used = set()
    for path in WEB.iterdir():
        source = path.read_text()
        used |= set(re.findall(r"""\bt\("([^"]+)\"""", source))
        used |= set(re.findall(r"""data-(?:t|label|placeholder)="([^"]+)\"""", source))
    for language in ("en", "ru"):
        source = (WEB / f"texts-{language}.js").read_text()
        texts = set(re.findall(r"""(?:^  |, )"([^"]+)": (?=["{])""", source, re.MULTILINE))
        assert used <= texts
    assert len(used) > 100


def test_the_languages_of_the_page_have_the_same_texts() -> None:
    names = [
        re.findall(r"""(?:^  |, )"([^"]+)": (?=["{])""", path.read_text(), re.MULTILINE)
        for path in sorted(WEB.glob("texts-*.js"))
    ]
    assert len(names) == 2
    assert names[0] == names[1]


async def test_unknown_address(world: SandboxClient) -> None:
    async with world.http.get(f"{world.url}/nothing") as response:
        assert response.status == 404
        assert response.headers["X-Content-Type-Options"] == "nosniff"
