"""Test that the Russian texts have one word for one thing."""

import pytest

from bot.texts import LOCALES

OTHER_WORDS = {
    "выключател": "переключатель",
    "бухгалтери": "книга",
    "депозит": "пополнение",
    "платформ": "площадка",
    "чат админов": "чат администраторов",
    "заблокировать деньги": "удержать деньги",
    "заблокирован ровно": "удержан",
    "(watchdog)": "worker_watchdogs, or a word",
    "логе": "журнал",
    "логин": "имя входа",
    "лимит": "ограничение",
    " runbook": "docs/runbook.md",
}
"""Words that no Russian text has, each with the word that it has instead."""


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_russian_texts_use_one_word_for_one_thing(word: str) -> None:
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted((LOCALES / "ru").glob("*.ftl"))
        for line in path.read_text().lower().splitlines()
        if word in line
    ]
    assert found == []
