"""Test that the checks of a walk find wrong texts, and accept right ones."""

import pytest
from aiogram.methods import SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.texts import Texts
from tests.crawl import checks
from tests.crawl.observer import Call


@pytest.mark.parametrize(
    ("text", "language", "fault"),
    [
        ("Price: { $price }", "en", "placeholder"),
        ("The channel None is gone", "en", "placeholder"),
        ("error-insufficient-funds", "en", "raw key"),
        ("Кошелёк: 5", "en", "Russian words"),
        ("Кошелёк: this is your money", "ru", "English words"),
        ("Wallet", "ru", "English words"),
        ("Wall… · 50,00", "ru", "English words"),
        (Texts("ru", "USD")("surprise", reference="12"), "ru", "apology"),
    ],
)
def test_a_wrong_text_is_found(text: str, language: str, fault: str) -> None:
    assert fault in "".join(checks.text_faults(text, language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A top-up of bread <b>fresh</b>", "en"),
        ("None of them can be bought now.", "en"),
        ("Fresh bread every morning", "ru"),
        ("Русский", "en"),
        ("Отправьте: Moscow, Berlin", "ru"),
        ("bread bread bre… · 50,00", "ru"),
        ("Кошелёк", None),
    ],
)
def test_a_right_text_is_accepted(text: str, language: str | None) -> None:
    assert not list(checks.text_faults(text, language))


def test_a_call_leads_on_with_a_button_or_a_command() -> None:
    button = InlineKeyboardButton(text="Menu", callback_data="go:menu")
    rows = InlineKeyboardMarkup(inline_keyboard=[[button]])
    for text, keyboard, leads_on in (
        ("Done.", None, False),
        ("Done. The menu: /start", None, True),
        ("Done.", rows, True),
    ):
        method = SendMessage(chat_id=1, text=text, reply_markup=keyboard)
        assert checks.leads_on(Call(method, is_notice=False)) is leads_on


def test_a_refused_call_and_a_long_button_are_faults() -> None:
    button = InlineKeyboardButton(text="bread " * 11, callback_data="go:menu")
    rows = InlineKeyboardMarkup(inline_keyboard=[[button]])
    method = SendMessage(chat_id=1, text="bread", reply_markup=rows)
    found = list(checks.call_faults(Call(method, is_notice=False, error="too long"), "en"))
    assert found[0] == "Telegram refused SendMessage: too long"
    assert "too long for a phone" in found[1]
    unchanged = Call(method, is_notice=False, error="Bad Request: message is not modified")
    assert len(list(checks.call_faults(unchanged, "en"))) == 1
