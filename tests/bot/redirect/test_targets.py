"""Test where tracked links lead, and the file with which they outlast a restart."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.redirect.targets import Targets, location_of
from services.market.link_clicks import Link

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TOKEN = "AbC-_" + "0" * 17


def link(
    token: str = TOKEN, *, hours: int = 1, url: str = "https://shop.example/a?b=c%20d"
) -> Link:
    """Return a link that works for `hours` more."""
    return Link(token, 7, url, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://shop.example", "https://shop.example"),
        (
            'https://shop.example/a//b?q=%2F+%41&r="<>#x',
            'https://shop.example/a//b?q=%2F+%41&r="<>#x',
        ),
        (
            "http://пример.example:8080/я?ключ=1",
            "http://xn--e1afmkfd.example:8080/%D1%8F?%D0%BA%D0%BB%D1%8E%D1%87=1",
        ),
        ("https://shop.example/a b", "https://shop.example/a%20b"),
        ("javascript:alert(1)", None),
        ("tg://resolve?domain=a", None),
        ("//shop.example", None),
        ("/path", None),
        ("https://", None),
        ("https://shop.example@evil.example/", None),
        ("https://shop.example:port/", None),
        ("https://" + "я" * 70 + ".example/", None),
    ],
)
def test_a_target_is_a_web_address_in_ascii(url: str, location: str | None) -> None:
    assert location_of(url) == location


def test_no_target_ends_the_header() -> None:
    for hidden in ("\r\nSet-Cookie: a=b", "\n", "\x00", "\u2028", "\udcff\r\n"[1:]):
        location = location_of(f"https://shop.example/{hidden}")
        assert location is None or location.isprintable()
        assert location is None or location.isascii()


@pytest.mark.parametrize(
    "path",
    [
        *(f"/r/{TOKEN[:-1]}", f"/r/{TOKEN}0", f"/r/{TOKEN}/", f"/r//{TOKEN}", f"//r/{TOKEN}"),
        *(f"/r/{TOKEN.lower()}", f"/r/%41{TOKEN[1:]}", f"/R/{TOKEN}", f"/r/{TOKEN}\n", f"/{TOKEN}"),
        *("/r/", "/r", "/", "", "*", f"/r/{TOKEN}%0d%0aX: y", f"/r/../r/{TOKEN}"),
        f"http://shop.example/r/{TOKEN}",
    ],
)
def test_only_the_exact_address_is_a_link(path: str) -> None:
    targets = Targets(None)
    targets.update([link()], NOW)
    assert targets.find(path, NOW) is None
    found = targets.find(f"/r/{TOKEN}?utm=//evil.example", NOW)
    assert found is not None
    assert found.location == "https://shop.example/a?b=c%20d"


def test_a_link_stops_at_its_time_and_at_a_refund() -> None:
    targets = Targets(None)
    targets.update([link()], NOW)
    assert targets.find(f"/r/{TOKEN}", NOW + timedelta(hours=1)) is None
    targets.update([link(hours=0)], NOW)
    assert len(targets) == 0


def test_a_file_keeps_the_links(tmp_path: Path) -> None:
    file = tmp_path / "links.jsonl"
    targets = Targets(file)
    targets.update([link(), link("B" * 22), link("C" * 22, url="ftp://a.example")], NOW)
    targets.update([link("B" * 22, hours=-1)], NOW)
    with file.open("a") as opened:  # a process was killed, and another program has written
        opened.write(json.dumps(["E" * 22, 1, "javascript:alert(1)", 2e10]) + "\n")
        opened.write('["D", 1, 2]\n{"a": 1}\n["F')
    again = Targets(file)
    assert len(again) == 1
    assert again.find(f"/r/{TOKEN}", NOW) == targets.find(f"/r/{TOKEN}", NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().splitlines()) == 1


def test_a_file_that_cannot_be_read_or_written_stops_no_link(tmp_path: Path) -> None:
    file = tmp_path / "links.jsonl"
    file.write_bytes(b"\xff\xfe")
    targets = Targets(file)
    file.unlink()
    file.mkdir()
    targets.update([link()], NOW)
    assert targets.find(f"/r/{TOKEN}", NOW) is not None
    with pytest.raises(OSError, match="directory"):
        Targets(tmp_path / "none" / "links.jsonl")
