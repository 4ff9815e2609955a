"""Read the fields and files of an HTTP request, as tolerantly as Telegram does."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.telegram import json_input
from sandbox.telegram.errors import TelegramError, bad_request
from sandbox.telegram.parsing import RawRequest, Upload

MAX_FILE = 50 * 1024 * 1024
_BOUNDARY = re.compile(r'boundary[^=]*=\s*(?:"([^"]{1,70})"|([^";]{1,70}))')
_MIME_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")
_FOLDER_OR_CONTROL = re.compile(r"^.*[/\\]|[\x00-\x1f\x7f]")


async def read(request: web.Request) -> RawRequest:
    """Return the fields and files of a request.

    A body that cannot be read, or of a foreign type, has no fields. Raises TelegramError if the
    body is too large, or is no correct form with files.
    """
    raw = RawRequest()
    raw.add(request.query.items())
    if request.headers.get("Content-Encoding", "gzip").lower() != "gzip":
        raise TelegramError(415, "Unsupported Media Type: unsupported content-encoding")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TelegramError(413, "Request Entity Too Large") from None
    except (web.RequestPayloadError, ConnectionResetError):
        raise bad_request("can't read the request body") from None
    parse(raw, body, request.headers.get("Content-Type", ""))
    return raw


def parse(raw: RawRequest, body: bytes, content_type: str) -> None:
    """Add the fields and files of a body, or raise TelegramError for a wrong form with files."""
    kind = content_type.lower()
    if "multipart/form-data" in kind:
        # The boundary keeps its case.
        _read_parts(raw, body, content_type)
    elif "application/x-www-form-urlencoded" in kind:
        raw.add(_read_form(body))
    elif "application/json" in kind:
        raw.add(_read_json(body))


def _text(content: bytes) -> str:
    """Return bytes as text. Bytes that are no UTF-8 become halves of characters."""
    return content.decode(errors="surrogateescape")


def _read_form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(_text(body), keep_blank_values=True, errors="surrogateescape")


def _read_json(body: bytes) -> Iterable[tuple[str, Any]]:
    try:
        value = json_input.load(_text(body))
    except ValueError:
        return ()
    return value.items() if isinstance(value, dict) else ()


def _read_parts(raw: RawRequest, body: bytes, content_type: str) -> None:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise bad_request("boundary not found")
    boundary = b"\r\n--" + (match[1] or match[2]).strip().encode(errors="surrogateescape")
    # A part begins after a boundary, and the last boundary ends with two hyphens.
    for part in (b"\r\n" + body).split(boundary)[1:]:
        if part.startswith(b"--"):
            return
        head, found, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not found:
            raise bad_request("headers in multipart/form-data are empty")
        _add_part(raw, _read_headers(head), content)


def _read_headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(head).split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _add_part(raw: RawRequest, headers: dict[str, str], content: bytes) -> None:
    kind, *parameters = headers.get("content-disposition", "").split(";")
    if kind.strip() != "form-data":
        raise bad_request("expected form-data content disposition")
    pairs = (parameter.partition("=") for parameter in parameters)
    options = {name.strip(): _unquote(value.strip()) for name, _, value in pairs}
    name = options.get("name")
    if not name:
        raise bad_request("field name in multipart/form-data not found")
    if "filename" in options:
        if len(content) > MAX_FILE:
            raise TelegramError(413, "Request Entity Too Large")
        file_name = _FOLDER_OR_CONTROL.sub("", options["filename"])
        mime_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        known_type = mime_type if _MIME_TYPE.fullmatch(mime_type) else None
        raw.files.setdefault(name, Upload(content, file_name, known_type))
    elif headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raw.add(_read_form(content))
    else:
        raw.add([(name, _text(content))])


def _unquote(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value
