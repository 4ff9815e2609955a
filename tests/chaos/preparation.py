"""Prepare the marketplace of a chaos run."""

import asyncio
import itertools

from db.models.formats import Ending
from db.money import STARS
from db.session import Sessions
from services.market.creatives import Creative
from tests.chaos.environment import Environment
from tests.chaos.manager_answers import Manager
from tests.chaos.market import Market

ADVERTISERS = 10
PROMISES = ((0, Ending.LEFT), (1, Ending.REMOVED), (1, Ending.LEFT))
"""The promised hours of a channel, and what happens to a post afterwards."""


async def prepare(environment: Environment, sessions: Sessions, *, ads: int) -> Market:
    """Register people, create `ads` campaigns, connect all channels, and post in each channel."""
    market = Market(sessions, environment.telegram.facts, STARS)
    person = environment.telegram.facts["people"][0]
    files = []
    for kind in ("photo", "document", "animation", "video"):
        fields = {"chat_id": person, kind: True}
        sent = await environment.control(f"users/{person}/send", **fields)
        file = sent[kind][-1] if kind == "photo" else sent[kind]
        ids = {name: file[name] for name in ("file_id", "file_unique_id")}
        files.append(Creative(kind, **ids))
    photo, document, animation, video = files
    album = Creative("album", items=(photo, video, photo))
    files = [photo, album, document, animation, album]
    await market.populate(advertisers=ADVERTISERS, ads=ads, files=files)
    promises = itertools.cycle(PROMISES)
    connected = zip(market.unconnected(), promises, strict=False)
    for number, (channel, (hours, ending)) in enumerate(connected):
        others = [
            Manager(telegram_id, actor)
            for telegram_id, actor in market.owners.items()
            if telegram_id != channel["owner"] and actor not in market.advertisers
        ]
        await market.connect(
            channel,
            promised_hours=hours,
            ending=ending,
            managers=(others[number % len(others)], others[(number + 1) % len(others)]),
        )
        post = {"user_id": channel["owner"], "text": "News of the day"}
        answer = await environment.control(f"chats/{channel['chat_id']}/post", **post)
        await market.note_message(channel["chat_id"], answer["message_id"])
    # Telegram's list does not have the deposits that were made here, and its times are whole
    # seconds. These deposits must be older than its first payment.
    await asyncio.sleep(1)
    return market
