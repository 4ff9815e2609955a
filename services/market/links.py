"""Check the addresses to which an ad may link."""

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

import idna

from services.platform import characters, errors

LIMIT = 2048
"""The greatest length of an address, in characters."""
_WEB = frozenset({"http", "https"})
TEXT_SCHEMES = _WEB | {"tg"}
"""Schemes for links in the text of an ad; `tg://` opens a page of Telegram."""

_HIDING = frozenset({"user", "ip", "hidden", "unreadable"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FULL_SCHEME = re.compile(rf"{_SCHEME.pattern}//")
_EMAIL = re.compile(r"[^/?#:@\s]+@[^/?#:@\s]+")
_ASCII_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_HIDDEN = {"Cc", "Cf", "Zl", "Zp"}
_REORDERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""The classes of the characters that can change the order of all letters in a line."""
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f")
_ADDRESS = re.compile(r"(?i)(?:https?://)?(?:[\w-]+\.)+[^\W\d_]{2,}(?:[:/?#]\S*)?")
_DOTS = dict.fromkeys((0x3002, 0xFF0E, 0xFF61), ".")


def with_scheme(typed: str) -> str:
    """Add a missing scheme to a typed address: `mailto` for an e-mail address, else `https`.

    `example.com:8080` has no scheme, so it gets `https` too.
    """
    scheme = _SCHEME.match(typed)
    if _FULL_SCHEME.match(typed) or (
        scheme and not re.match(r"[0-9]+(?![0-9])", typed[scheme.end() :])
    ):
        return typed
    if _EMAIL.fullmatch(typed):
        return f"mailto:{typed}"
    return f"https://{typed}"


def find_addresses(text: str) -> list[str]:
    """Find the addresses in a text of which Telegram makes links, in the order of the text.

    The end of a sentence does not belong to an address.
    """
    return [found.rstrip(".,:;!?)") for found in _ADDRESS.findall(text)]


def require(url: str, *, schemes: frozenset[str] = _WEB) -> None:
    """Refuse an address that is no web address or hides its destination.

    Raises InvalidCreative for the field `url` with one of these reasons: `email`, `not_http`,
    `user` (a name before the host), `ip` (a number as host), `hidden` (invisible characters),
    `unreadable`.
    """
    if why := _problem(url, schemes):
        raise errors.InvalidCreative("url", why)


def require_visible(text: str, offset: int, length: int) -> None:
    """Refuse an address in the text of an ad if it hides where it leads.

    Telegram makes a link of such an address. `offset` and `length` are in UTF-16 units. Raises
    InvalidCreative for the field `url` with the reason `user`, `ip`, `hidden` or `unreadable`, as
    `require` does, or `not_http` for a scheme that is not in TEXT_SCHEMES.
    """
    require_order(text, offset, length)
    _before, address, _after = _split(text, offset, length)
    scheme = _FULL_SCHEME.match(address)
    why = _problem(address if scheme else f"https://{address}", TEXT_SCHEMES)
    unknown = scheme is not None and scheme[1].lower() not in TEXT_SCHEMES
    if why is not None and (unknown or why in _HIDING):
        raise errors.InvalidCreative("url", why)


def require_order(text: str, offset: int, length: int) -> None:
    """Refuse a link in a text if the order of its shown letters may differ from the text.

    Characters that change the direction of letters can change the order: some of them anywhere in
    the line, others only beside the link. `offset` and `length` are in UTF-16 units. Raises
    InvalidCreative for the field `url` with the reason `hidden`.
    """
    before, shown, after = _split(text, offset, length)
    line = before.rpartition("\n")[2] + shown + after.partition("\n")[0]
    if any(unicodedata.bidirectional(character) in _REORDERING for character in line) or (
        _DIRECTION_MARKS & {*before[-1:], *shown, *after[:1]}
    ):
        raise errors.InvalidCreative("url", "hidden")


def _split(text: str, offset: int, length: int) -> tuple[str, str, str]:
    """Return the texts before, in and after a part of a text, whose place is in UTF-16 units."""
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = 2 * offset, 2 * (offset + length)
    parts = units[:start], units[start:end], units[end:]
    before, inside, after = (part.decode("utf-16-le", "replace") for part in parts)
    return before, inside, after


def _problem(url: str, schemes: frozenset[str]) -> str | None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "hidden" if _has_hidden(url) else "unreadable"
    found = {
        "hidden": _has_hidden(url) or _has_hidden_letters(host),
        "email": parts.scheme == "mailto",
        "not_http": parts.scheme not in schemes or len(url) > LIMIT,
        "user": "@" in parts.netloc,
        "unreadable": "\\" in url or any(character.isspace() for character in url),
    }
    why = next((word for word, is_found in found.items() if is_found), None)
    if why is not None or parts.scheme not in _WEB:
        return why
    if "[" in parts.netloc:
        return "ip"
    return _problem_of_host(unicodedata.normalize("NFKC", host).translate(_DOTS))


def _has_hidden(url: str) -> bool:
    return any(unicodedata.category(character) in _HIDDEN for character in url)


def _has_hidden_letters(host: str) -> bool:
    return any(characters.is_invisible(character) and not character.isspace() for character in host)


def _problem_of_host(host: str) -> str | None:
    """Return why a host is refused (`ip` or `not_http`), or None."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
    else:
        return "ip"
    if _NUMBER.fullmatch(labels[-1]):
        return "ip"
    if len(labels) == 1 or not all(_is_label(label) for label in labels):
        return "not_http"
    return None


def _is_label(label: str) -> bool:
    if label.isascii() and not label.startswith("xn--"):
        return _ASCII_LABEL.fullmatch(label) is not None
    try:
        idna.ulabel(label)
    except idna.IDNAError:
        return False
    return True
