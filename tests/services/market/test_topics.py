"""Test that the topics and languages of channels are the same in Python, SQL and the texts."""

import asyncpg
import pytest

from bot.texts import in_all_languages
from services.market import topics
from services.platform import errors, users
from tests.conftest import Database

_KNOWN = "SELECT known_topic($1)"


async def test_the_database_knows_each_topic_by_its_names(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    for topic in topics.TOPICS:
        names = in_all_languages("topic", topic=topic)
        assert len(names) == len(users.LANGUAGES), topic
        for typed in (topic, *(f" {name.upper()} " for name in names)):
            assert await owner.fetchval(_KNOWN, typed) == topic
    for other in ("gardens", "", None, topics.OTHER):
        assert await owner.fetchval(_KNOWN, other) == topics.OTHER
    await owner.close()


def test_only_listed_topics_and_languages_are_chosen() -> None:
    assert topics.require_topic("food") == "food"
    assert topics.require_language("ru") == "ru"
    assert set(users.LANGUAGES) <= set(topics.LANGUAGES)
    with pytest.raises(errors.InvalidTerms):
        topics.require_topic("gardens")
    with pytest.raises(errors.InvalidTerms):
        topics.require_language("xx")
