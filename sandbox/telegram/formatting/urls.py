"""Find the links and e-mail addresses in a text (`find_urls` in `MessageEntity.cpp` of TDLib).

A part of a text is a pair of indexes: its first character, and the one behind its last.
"""

import json
import re
from pathlib import Path

from sandbox.telegram.formatting.links import MAX_PORT, ascii_lower

Part = tuple[int, int]

TOP_LEVEL_DOMAINS = frozenset(
    json.loads(Path(__file__).with_name("top_level_domains.json").read_text(encoding="utf-8"))
)
"""The domains with which an address may end if it does not begin with a protocol."""
SHORTEST_TG_URL = len("tg://a")
MAX_LABEL = 63
"""The most bytes between two dots of a domain."""
LAST_CHARACTERS = ".:;,('?!`"
"""The characters with which no link ends."""
# Separators of Unicode, and the punctuation from U+2000 to U+206F except dashes and joiners.
_NOT_IN_LINKS = " \xa0\u1680\u2000-\u200b\u200e\u200f\u2016-\u206f\u3000"
_IN_PATH = f'[^\n<>"\xab\xbb{_NOT_IN_LINKS}]'
_TG_URL = re.compile(
    "(?:(?<=[tT][gG])|(?<=[tT][oO][nN])|(?<=[tT][oO][nN][sS][iI][tT][eE]))://[A-Za-z0-9_-]{1,253}"
)
_PATH = re.compile(f"[/?#]{_IN_PATH}*")
_IN_DOMAIN = re.compile(
    "[A-Za-z0-9._~\\-\xc0-\u167f\u1681-\u1fff\u200c\u200d\u2010-\u2015\u2070-\u2fff"
    "\u3001-\U0010ffff]"
)
_DOMAIN_AND_LOGIN = re.compile(f"(?:{_IN_DOMAIN.pattern}|@)*")
_IN_LOGIN = re.compile(f"[^\n/\\[\\]{{}}()'`<>\"@\xab\xbb{_NOT_IN_LINKS}]")
_IN_PROTOCOL = re.compile(
    "[A-Za-z0-9+\\-\x80-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    "\u2060-\u2fff\u3001-\U0010ffff]"
)
_PORT = re.compile(":0*([1-9][0-9]{0,4})(?![0-9])")
_SCHEME = re.compile("(?:https?|ftp|tonsite)://", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(
    r"(?:[A-Za-z0-9_-]{0,26}[.+]){0,10}[A-Za-z0-9_-]{1,35}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,28}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,8}"
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


def is_email(text: str) -> bool:
    """Return whether a text is an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def find_tg_urls(text: str) -> list[Part]:
    """Return the parts of a text that are links of the schemes tg and ton."""
    found: list[Part] = []
    match = _TG_URL.search(text)
    while match:
        end = _path_end(text, match.end())
        # TDLib takes three letters of a scheme with seven. The next scheme may overlap this link.
        scheme = "tg" if text[match.start() - 1] in "gG" else "ton"
        found.append((match.start() - len(scheme), end))
        is_short = len(text[end : end + SHORTEST_TG_URL].encode()) < SHORTEST_TG_URL
        match = None if is_short else _TG_URL.search(text, end)
    return found


def find_urls(text: str) -> list[tuple[Part, bool]]:
    """Return the parts of a text that are links, and whether each is an e-mail address."""
    found: list[tuple[Part, bool]] = []
    for begin, end in _match_urls(text):
        url = text[begin:end]
        if is_email(url):
            found.append(((begin, end), True))
        elif url.startswith("mailto:") and is_email(url.removeprefix("mailto:")):
            found.append(((begin + len("mailto:"), end), True))
        else:
            length = _trusted_length(url)
            if length:
                found.append(((begin, begin + length), False))
    return found


def _match_urls(text: str) -> list[Part]:
    """Return the parts that look like links. The domains have not been checked yet."""
    found: list[Part] = []
    begin = 0
    while True:
        dot = text.find(".", begin)
        if dot < 0 or dot + 1 == len(text):
            return found
        if text[dot + 1] == " ":
            begin = dot + 2
            continue
        first, end = _match_around(text, begin, dot)
        if first is None:
            begin = text.rindex(".", dot, end) + 1
            continue
        if end > dot + 1:
            found.append((first, end))
        while text[end : end + 1] == ".":
            end += 1
        begin = max(end, dot + 1)


def _match_around(text: str, begin: int, dot: int) -> tuple[int | None, int]:
    """Return where the link with the dot at `dot` begins (None: it is none) and ends.

    The characters before `begin` belong to an earlier link.
    """
    first = _go_back(_IN_DOMAIN, text, begin, dot)
    domain = _DOMAIN_AND_LOGIN.match(text, dot)
    end = domain.end() if domain else dot + 1
    has_login = "@" in text[dot:end]
    if has_login:
        first = _go_back(_IN_LOGIN, text, begin, first)
    port = _PORT.match(text, end)
    if port and int(port[1]) <= MAX_PORT:
        end = port.end()
    end = _path_end(text, end)
    while end > dot + 1 and text[end - 1] == ".":
        end -= 1
    if first > begin and text[first - 1] == "@":
        login = _go_back(_IN_LOGIN, text, begin, first - 1)
        if has_login or login == first - 1:
            return None, end
        first = login
    return _with_protocol(text, begin, first), end


def _go_back(pattern: re.Pattern[str], text: str, begin: int, index: int) -> int:
    """Return where the characters of a class begin that stand directly before `index`."""
    while index > begin and pattern.match(text, index - 1):
        index -= 1
    return index


def _path_end(text: str, index: int) -> int:
    """Return the end of the path, query and fragment at `index`, or `index` without them."""
    match = _PATH.match(text, index)
    if match is None:
        return index
    path = match[0][0] + match[0][1:].rstrip(LAST_CHARACTERS)
    return index + len(path) if path not in {"?", "#"} else index


def _with_protocol(text: str, begin: int, first: int) -> int | None:
    """Return where the link begins whose domain or login begins at `first`, or None."""
    if first == begin:
        return first
    if not text.endswith("://", begin, first):
        before = text[first - 1]
        return None if before in "_/#@" or before.isalnum() else first
    colon = first - len("://")
    protocol = ascii_lower(text[_go_back(_IN_PROTOCOL, text, begin, colon) : colon])
    if protocol.endswith("http") and protocol != "shttp":
        return colon - len("http")
    if protocol.endswith("https"):
        return colon - len("https")
    if protocol.endswith("ftp") and protocol not in {"tftp", "sftp"}:
        return colon - len("ftp")
    return colon - len("tonsite") if protocol.endswith("tonsite") else None


def _trusted_length(url: str) -> int:
    """Return how many characters of a link candidate are a link, or 0 if its domain is none."""
    scheme = _SCHEME.match(url)
    rest = url[scheme.end() :] if scheme else url
    domain = re.split("[/?#]", rest, maxsplit=1)[0]
    path = rest[len(domain) :]
    domain = domain.partition("@")[2] if "@" in domain else domain
    domain = domain.rpartition(":")[0] if ":" in domain else domain
    # Telegram never links this imitation of its own domain.
    if ascii_lower(domain) == "teiegram.org":
        return 0
    if not _is_domain(domain, named=scheme is not None):
        return 0
    return len(url) - len(path) + _path_length(path)


def _path_length(path: str) -> int:
    """Return the length of a path up to the first bracket that nothing has opened."""
    open_brackets = {")": 0, "]": 0, "}": 0}
    partners = {"(": ")", "[": "]", "{": "}"}
    end = len(path)
    for index, character in enumerate(path):
        if character in partners:
            open_brackets[partners[character]] += 1
        elif character in open_brackets:
            open_brackets[character] -= 1
            if open_brackets[character] < 0:
                end = index
                break
    return len(path[:end].rstrip(LAST_CHARACTERS))


def _is_domain(domain: str, *, named: bool) -> bool:
    """Return whether a domain or an IPv4 address is linked. `named`: a protocol is before it."""
    labels = domain.split(".")
    if any(not label or len(label.encode()) > MAX_LABEL or label.endswith("-") for label in labels):
        return False
    if _IPV4.fullmatch(domain):
        return True
    *_, last = labels
    if len(labels) == 1 or len(last) == 1 or re.fullmatch("[0-9.]*", domain):
        return False
    if last.startswith("xn--"):
        if not re.fullmatch("[A-Za-z0-9]{2,}", last.removeprefix("xn--")):
            return False
    elif "_" in last or "-" in last or not (named or _is_common(last)):
        return False
    return "_" not in labels[-2]


def _is_common(label: str) -> bool:
    """Return whether a label is a known top-level domain. A single capital at its begin is none."""
    lower = label.lower()
    return lower in TOP_LEVEL_DOMAINS and (lower == label or lower[1:] != label[1:])
