"""Check the addresses to which an ad may link."""

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

from services.platform import errors

LIMIT = 2048
"""The greatest length of an address, in characters."""
_WEB = frozenset({"http", "https"})
TEXT_SCHEMES = _WEB | {"tg"}
"""Schemes for links in the text of an ad; `tg://` opens a page of Telegram."""

_HIDING = frozenset({"user", "ip", "hidden"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_EMAIL = re.compile(r"[^/?#:@\s]+@[^/?#:@\s]+")
_ASCII_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_HIDDEN = {"Cc", "Cf", "Zl", "Zp"}
_DOTS = dict.fromkeys((0x3002, 0xFF0E, 0xFF61), ".")


def with_scheme(typed: str) -> str:
    """Add a missing scheme to a typed address: `mailto` for an e-mail address, else `https`.

    `example.com:8080` has no scheme, so it gets `https` too.
    """
    scheme = _SCHEME.match(typed)
    if "://" in typed or (scheme and not re.match(r"[0-9]+(?![0-9])", typed[scheme.end() :])):
        return typed
    if _EMAIL.fullmatch(typed):
        return f"mailto:{typed}"
    return f"https://{typed}"


def require(url: str, *, schemes: frozenset[str] = _WEB) -> None:
    """Refuse an address that is no web address or hides its destination.

    Raises InvalidCreative for the field `url` with one of these reasons: `email`, `not_http`,
    `user` (a name before the host), `ip` (a number as host), `hidden` (invisible characters),
    `unreadable`.
    """
    if why := _problem(url, schemes):
        raise errors.InvalidCreative("url", why)


def require_visible(typed: str) -> None:
    """Refuse an address in the text of an ad if it hides where it leads.

    Telegram makes a link of such an address. Raises InvalidCreative for the field `url` with the
    reason `user`, `ip` or `hidden`, as `require` does.
    """
    if (why := _problem(with_scheme(typed), TEXT_SCHEMES)) in _HIDING:
        raise errors.InvalidCreative("url", why)


def _problem(url: str, schemes: frozenset[str]) -> str | None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "hidden" if _has_hidden(url) else "unreadable"
    found = {
        "hidden": _has_hidden(url),
        "email": parts.scheme == "mailto",
        "not_http": parts.scheme not in schemes or len(url) > LIMIT,
        "user": "@" in parts.netloc,
        "unreadable": "\\" in url or any(character.isspace() for character in url),
    }
    why = next((word for word, is_found in found.items() if is_found), None)
    if why is not None or parts.scheme not in _WEB:
        return why
    return _problem_of_host(unicodedata.normalize("NFKC", host).translate(_DOTS))


def _has_hidden(url: str) -> bool:
    return any(unicodedata.category(character) in _HIDDEN for character in url)


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
    if label.isascii():
        return _ASCII_LABEL.fullmatch(label) is not None
    return all(
        character in "-_" or unicodedata.category(character)[0] in "LMN" for character in label
    )
