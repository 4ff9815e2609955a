"""Gather the facts for the checks of the launch that the database does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from bot import bounded_json, readiness
from bot.settings import Settings
from services.launch.checks import Facts

ANSWER_SECONDS = 5.0
MAX_ANSWER = 64 * 1024
"""The longest answer of `/api/health/ready`, in bytes."""
_SUMMARIES = ("ok", "well")
# These addresses mean every network of the machine, and a client cannot connect to them.
_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is replaced


async def gather(settings: Settings) -> Facts:
    """Ask the bot's HTTP server on this machine for its health, and return all facts.

    Without an answer, `api_status` is None.
    """
    status, answer = await _ask(settings)
    return Facts(
        api_status=status,
        api_problems=", ".join(_problems(answer)),
        revision=readiness.REVISION,
        amount=settings.launch_limit,
        watch=settings.launch_watch,
        sla=settings.escrow_sla,
        limits=settings.rollback_limits,
    )


async def _ask(settings: Settings) -> tuple[int | None, Mapping[str, Any]]:
    host = _LOCAL.get(settings.http_host, settings.http_host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/api/health/ready"
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=limit) as client, client.get(url) as response:
            answer = bounded_json.read(
                await bounded_json.read_body(response, MAX_ANSWER), MAX_ANSWER
            )
            return response.status, answer if isinstance(answer, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None, {}


def _problems(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the parts that are missing, except for the summaries."""
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from (key for key, state in value.items() if state == "missing")
        elif value is False and name not in _SUMMARIES:
            yield name
