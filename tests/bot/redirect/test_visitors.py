"""Test how visitors are told apart, and whose word counts about their address."""

from ipaddress import ip_network

import pytest

from bot.redirect.visitors import address_hash, client_address, visitor_hash

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
SALT = bytes(32)


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody trusts this proxy
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.7, 198.51.100.1"], "198.51.100.1"),  # the left one is invented
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::"),  # one household
        ("fe80::1%eth0", [], "fe80::"),
        ("", [], ""),
        ("no address", ["198.51.100.1"], ""),
    ],
)
def test_only_trusted_proxies_say_who_asks(remote: str, forwarded: list[str], address: str) -> None:
    assert client_address(remote, forwarded, PROXIES) == address


def test_a_hash_is_that_of_one_address_one_browser_and_one_day() -> None:
    known = visitor_hash(SALT, "198.51.100.1", "Firefox")
    others = {
        visitor_hash(SALT, "198.51.100.2", "Firefox"),
        visitor_hash(SALT, "198.51.100.1", "Chrome \udcff"),
        visitor_hash(bytes([1]) * 32, "198.51.100.1", "Firefox"),
        address_hash(SALT, "198.51.100.1"),
    }
    assert known == visitor_hash(SALT, "198.51.100.1", "Firefox")
    assert len(others - {known}) == 4
    assert visitor_hash(SALT, "a", "x" * 600) == visitor_hash(SALT, "a", "x" * 512)
