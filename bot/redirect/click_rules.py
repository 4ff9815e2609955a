"""Decide which requests for a tracked link are clicks of people. docs/results.md has the rules."""

import re
from collections.abc import Mapping

PROGRAMS = (
    *("bot", "crawl", "spider", "slurp", "preview", "scan", "monitor", "fetch", "validator"),
    *("headless", "phantom", "selenium", "puppeteer", "playwright", "lighthouse"),
    *("facebookexternalhit", "whatsapp", "skypeuri", "vkshare", "embedly", "pinterest/"),
    *("curl", "wget", "libwww", "httpclient", "http-client", "okhttp", "axios", "node-fetch"),
    *("python", "aiohttp", "go-http", "java/", "ruby", "perl", "php/", "dart", "postman"),
)
"""Words in the names of programs (User-Agent), in small letters."""
PREFETCH_HEADERS = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")
"""Headers with which a browser says that it loads a page before a person wants it."""
PREFETCH_WORDS = ("prefetch", "preview", "prerender")

_PROGRAM = re.compile("|".join(re.escape(word) for word in PROGRAMS))


def is_program(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request is no click of a person.

    It is none if it asks for the headers alone, if the program has no name or a name with a word of
    PROGRAMS, or if a browser loads the page in advance.
    """
    agent = headers.get("User-Agent", "").lower()
    if method != "GET" or not agent.strip() or _PROGRAM.search(agent):
        return True
    return any(
        word in headers.get(name, "").lower()
        for name in PREFETCH_HEADERS
        for word in PREFETCH_WORDS
    )
