"""Test the lists of what a walk can reach."""

from datetime import UTC, datetime
from random import Random

from bot import formatting
from tests.crawl import coverage, inputs

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_what_no_walk_reaches_is_a_kind_of_buttons() -> None:
    assert set(coverage.NOT_IN_A_WALK) <= coverage.all_kinds() | coverage.all_states()


def test_typed_days_are_in_the_future_of_the_database() -> None:
    states = [each for each in coverage.all_states() if each.endswith(("time", "day", "month"))]
    answers = [
        str(inputs.answer(Random(seed), state, NOW)["text"])
        for state in states
        for seed in range(20)
    ]
    days = [day for text in answers if (day := formatting.parse_day(text)) is not None]
    assert days
    assert all(day > NOW.date() for day in days)


def test_steps_without_a_text_get_no_text() -> None:
    assert inputs.takes_text("CampaignForm:name")
    assert inputs.takes_text("BuyForm:many_day")
    assert inputs.takes_text("WordsForm:complaint")
    assert not inputs.takes_text("BuyForm:confirm")
