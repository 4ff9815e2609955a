"""Check the addresses to which an ad may link."""

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

from services.platform import errors

LIMIT = 2048
"""The longest address that is accepted, in characters."""
_WEB = frozenset({"http", "https"})
TEXT_SCHEMES = _WEB | {"tg"}
"""The allowed schemes of links in the text of an ad. A `tg://` link opens a page of Telegram."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_EMAIL = re.compile(r"[^/?#:@\s]+@[^/?#:@\s]+")
_ASCII_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_HIDDEN = {"Cc", "Cf", "Zl", "Zp"}
"""The Unicode categories of invisible characters: control and direction marks, line breaks."""
_DOTS = dict.fromkeys((0x3002, 0xFF0E, 0xFF61), ".")


def with_scheme(typed: str) -> str:
    """Return a typed address with a scheme. An address without a scheme gets `https`.

    `example.com:8080` counts as an address without a scheme, because 8080 is a port. An e-mail
    address gets `mailto`; `require` then refuses it as an e-mail address.
    """
    scheme = _SCHEME.match(typed)
    if "://" in typed or (scheme and not re.match(r"[0-9]+(?![0-9])", typed[scheme.end() :])):
        return typed
    if _EMAIL.fullmatch(typed):
        return f"mailto:{typed}"
    return f"https://{typed}"


def require(url: str, *, schemes: frozenset[str] = _WEB) -> None:
    """Refuse an address that is not a web address, or that hides where it leads.

    `schemes` are the allowed schemes. Raises InvalidCreative for the field `url`. The error's
    reason is `email`, `not_http`, `user` (a name or a password before the host), `ip` (a number
    instead of a host), `hidden` (characters that are not shown) or `unreadable`.
    """
    if why := _problem(url, schemes):
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
    """Return why a host is refused (`ip` or `not_http`). Return None if the host is allowed.

    A host whose last part is a number counts as an IP address.
    """
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
    """Return whether a text can be one part of a host name, for example `example` or `com`.

    Letters of any script, digits and `-` are allowed.
    """
    if label.isascii():
        return _ASCII_LABEL.fullmatch(label) is not None
    return all(
        character in "-_" or unicodedata.category(character)[0] in "LMN" for character in label
    )
