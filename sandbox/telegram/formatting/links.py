"""Check the addresses of text links (`LinkManager.cpp` and `HttpUrl.cpp` of TDLib)."""

import re
from ipaddress import AddressValueError, IPv6Address

from sandbox.telegram.formatting.dates import LAST_DATE, date_details
from sandbox.telegram.persistence import Json

MAX_PORT = 65535
MAX_USER_ID = 2**40 - 1
MAX_EMOJI_ID = 2**63
_SPACES = " \t\r\n\0\v"
_OWN_SCHEME = re.compile(r"(tg|tonsite|ton):(?://)?", re.IGNORECASE | re.ASCII)
_PROTOCOL = re.compile(r"([^:/?#@\[\]]*)://")
_PORT = re.compile(r"(?s)(.+):([^:@\]]*)")
_NUMBER = re.compile(r"-?[1-9][0-9]{0,18}|0")
_ALLOWED = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|%[0-9a-fA-F]{2}|[^\x00-\x7f])*")
_ALLOWED_WITH_COLON = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=:]|%[0-9a-fA-F]{2}|[^\x00-\x7f])*")
_IPV6 = re.compile(r"\[[0-9a-f:.]*\]")
_TG_PARAMETERS = r"tg:(?://)?{}/?\?([^#]*)"
_USER = re.compile(_TG_PARAMETERS.format("user"), re.IGNORECASE | re.ASCII)
_EMOJI = re.compile(_TG_PARAMETERS.format("emoji"), re.IGNORECASE | re.ASCII)
_TIME = re.compile(_TG_PARAMETERS.format("time"), re.IGNORECASE | re.ASCII)


class LinkError(ValueError):
    """An address is wrong. The text gives Telegram's reason."""


def ascii_lower(text: str) -> str:
    """Return a text with its letters from A to Z in lower case, and all others unchanged."""
    return text.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")


def check_link(link: str) -> str:
    """Return an address as Telegram stores it, or raise LinkError."""
    own = _OWN_SCHEME.match(link)
    rest = link[own.end() :] if own else link
    protocol, userinfo, host, port, path = _parse_url(rest)
    if own is None:
        if "." not in host and not host.startswith("["):
            raise LinkError("Wrong HTTP URL")
        login = f"{userinfo}@" if userinfo else ""
        return f"{protocol}://{login}{host}{f':{port}' if port else ''}{path}"
    scheme = ascii_lower(own[1])
    if (
        ascii_lower(rest).startswith("http://")
        or protocol == "https"
        or userinfo
        or port
        or host.startswith("[")
    ):
        raise LinkError("Wrong tg URL" if scheme == "tg" else "Wrong ton URL")
    allowed = r"[A-Za-z0-9_.\-]*" if scheme == "tonsite" else r"[A-Za-z0-9_\-]*"
    if not re.fullmatch(allowed, host):
        raise LinkError("Unallowed characters in URL host")
    return f"{scheme}://{host}{path[1:] if path.startswith('/?') else path}"


def _parse_url(url: str) -> tuple[str, str, str, int, str]:
    """Return the protocol, the login, the host, the port (0: none) and the path of an address."""
    protocol = "http"
    named = _PROTOCOL.match(url)
    if named:
        protocol = ascii_lower(named[1])
        if protocol not in {"http", "https"}:
            raise LinkError("Unsupported URL protocol")
        url = url[named.end() :]
    authority = re.split("[/?#]", url, maxsplit=1)[0]
    path = url[len(authority) :].rstrip(_SPACES) or "/"
    port = 0
    with_port = _PORT.fullmatch(authority)
    if with_port:
        authority = with_port[1]
        port = _read_port(with_port[2])
    userinfo, _, host = authority.rpartition("@")
    host = ascii_lower(host)
    _check_host(host, userinfo)
    if not path.startswith("/"):
        path = f"/{path}"
    path = re.sub(r"[\x00-\x20]", lambda match: f"%{ord(match[0]):02X}", path)
    return protocol, userinfo, host, port, path


def _read_port(digits: str) -> int:
    number = re.sub(r"^0+(?=.)", "", digits, flags=re.DOTALL)
    if not re.fullmatch(r"[1-9][0-9]{0,9}", number) or int(number) > MAX_PORT:
        raise LinkError("Wrong port number specified in the URL")
    return int(number)


def _check_host(host: str, userinfo: str) -> None:
    if host.startswith("[") and host.endswith("]"):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            raise LinkError("Wrong IPv6 address specified in the URL") from None
        if not _IPV6.fullmatch(host):
            raise LinkError("Wrong IPv6 URL host")
        return
    if not host:
        raise LinkError("URL host is empty")
    if host == ".":
        raise LinkError("Host is invalid")
    _check_characters(host, _ALLOWED, "host")
    _check_characters(userinfo, _ALLOWED_WITH_COLON, "userinfo")


def _check_characters(part: str, allowed: re.Pattern[str], name: str) -> None:
    wrong = allowed.sub("", part, count=1)
    if wrong.startswith("%"):
        raise LinkError(f"Wrong percent-encoded symbol in URL {name}")
    if wrong:
        raise LinkError(f"Disallowed character in URL {name}")


def link_entity(link: str) -> tuple[str, Json] | None:
    """Return the type and the details of the entity for a link, or None for a wrong address."""
    user_id = linked_user_id(link)
    if user_id is not None:
        return "text_mention", {"user": {"id": user_id}}
    try:
        return "text_link", {"url": check_link(link)}
    except LinkError:
        return None


def linked_user_id(link: str) -> int | None:
    """Return the user id of an address like `tg://user?id=1`, or None for any other address."""
    number = _parameter(_USER.match(ascii_lower(link)), "id")
    if number is None or not _NUMBER.fullmatch(number) or not 0 < int(number) <= MAX_USER_ID:
        return None
    return int(number)


def emoji_or_date_entity(link: str) -> tuple[str, Json] | None:
    """Return the type and the details of the entity for a link in `![text](link)`.

    The link is `tg://emoji?id=1` or `tg://time?unix=1&format=r`. Any other link gives None.
    """
    number = _parameter(_EMOJI.match(link), "id")
    if number is not None and is_emoji_id(number):
        return "custom_emoji", {"custom_emoji_id": number}
    parameters = _TIME.match(link)
    unix_time = _parameter(parameters, "unix", last=True)
    if unix_time is None or not re.fullmatch(r"[1-9][0-9]{0,9}", unix_time):
        return None
    details = date_details(int(unix_time), _parameter(parameters, "format", last=True) or "")
    return ("date_time", details) if details and int(unix_time) <= LAST_DATE else None


def is_emoji_id(text: str) -> bool:
    """Return whether a text is the id of a custom emoji."""
    return (
        bool(_NUMBER.fullmatch(text)) and text != "0" and -MAX_EMOJI_ID <= int(text) < MAX_EMOJI_ID
    )


def _parameter(link: re.Match[str] | None, name: str, *, last: bool = False) -> str | None:
    """Return the first (or `last`) value of a parameter of a tg link, or None without one."""
    if link is None:
        return None
    pairs = (part.partition("=") for part in link[1].split("&"))
    values = [value for key, _, value in pairs if key == name]
    return values[-1 if last else 0] if values else None
