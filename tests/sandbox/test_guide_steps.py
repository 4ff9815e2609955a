"""Test that the steps of the page's guide follow what the bot really says."""

import re
from pathlib import Path

import pytest

from sandbox.guide_steps import STEPS, Step, build
from sandbox.seed_data import SeedData

LOCALES = Path(__file__).parents[2] / "bot/locales"
SEEDS = SeedData(advertiser=1, owner=2, admin=3, admin_chat_id=-4, channel_id=-5, second_admin=6)


def read_texts(language: str) -> str:
    """Return all texts of the bot in a language."""
    return "\n".join(path.read_text() for path in sorted((LOCALES / language).glob("*.ftl")))


@pytest.mark.parametrize("step", [step for step in STEPS if step.by_bot], ids=lambda s: s.name)
def test_the_bot_says_what_ends_a_step(step: Step) -> None:
    texts = [read_texts("en"), read_texts("ru")]
    assert all(any(part in text for text in texts) for part in step.done_when)
    assert all(any(part in text for part in step.done_when) for text in texts)


@pytest.mark.parametrize(("number", "language"), [(0, "en"), (1, "ru")])
def test_the_buttons_that_a_step_names_exist(number: int, language: str) -> None:
    texts = read_texts(language)
    named = [
        name.strip()
        for step in STEPS
        for name in re.findall(
            "[📺\N{HEAVY PLUS SIGN}💰💳📣🛒✅][^.,→]*?(?= →|[.,]| and | и )", step.texts[number]
        )
    ]
    assert len(named) >= 7
    assert [name for name in named if f"= {name}\n" not in texts] == []


def test_the_admin_acts_in_the_admin_chat() -> None:
    steps = {step.name: step for step in build(SEEDS)}
    assert list(steps) == ["connect", "top_up", "buy", "accept", "approve", "paid"]
    approve = steps["approve"]
    assert (approve.person_id, approve.chat_id) == (SEEDS.admin, SEEDS.admin_chat_id)
    assert approve.done_when.chat_id == SEEDS.owner
    assert (steps["buy"].person_id, steps["buy"].chat_id) == (SEEDS.advertiser, SEEDS.advertiser)
