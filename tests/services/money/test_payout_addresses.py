"""Test the checks of the addresses to which people are paid."""
# ruff: noqa: RUF001 - a bank account as people type it

import base64
import binascii

import pytest

from db.models.destinations import PayoutMethod
from services.money import payout_addresses
from services.money.payout_addresses import AddressFaultError

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BANK, CARD, TON = PayoutMethod.BANK, PayoutMethod.CARD, PayoutMethod.TON


def ton_address(tag: int = 0x51, workchain: int = 0, content: bytes = bytes(range(32))) -> str:
    """Return an address of TON with a right checksum."""
    body = bytes([tag, workchain]) + content
    checksum = binascii.crc_hqx(body, 0).to_bytes(2, "big")
    return base64.urlsafe_b64encode(body + checksum).decode()


def fault(method: PayoutMethod, typed: str) -> str:
    with pytest.raises(AddressFaultError) as refused:
        payout_addresses.normalize(method, typed)
    return refused.value.fault.value


@pytest.mark.parametrize("method", [PayoutMethod.TON, PayoutMethod.USDT_TON])
@pytest.mark.parametrize(("tag", "workchain"), [(0x11, 0), (0x51, 0), (0x51, 0xFF)])
def test_an_address_of_ton_is_taken_in_its_friendly_form(
    method: PayoutMethod, tag: int, workchain: int
) -> None:
    address = ton_address(tag, workchain)
    assert payout_addresses.normalize(method, f" {address}\n") == address


def test_each_single_wrong_letter_of_an_address_of_ton_is_refused() -> None:
    address = ton_address()
    for place, letter in enumerate(address):
        other = ALPHABET[(ALPHABET.index(letter) + 1) % len(ALPHABET)]
        wrong = address[:place] + other + address[place + 1 :]
        assert fault(TON, wrong) == "checksum", place


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (ton_address()[:-1], "length"),
        ("0:" + "ab" * 32, "length"),
        ("!" * 48, "letters"),
        (ton_address(0x91), "test_network"),
        (ton_address(0xD1), "test_network"),
        (ton_address(0x31), "letters"),
        (ton_address(0x51, 7), "letters"),
        ("", "length"),
    ],
)
def test_another_address_of_ton_is_refused(typed: str, why: str) -> None:
    assert fault(TON, typed) == why


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("4111 1111 1111 1111", "4111111111111111"),
        ("2200-7007-7777-7770", None),
        ("4111111111111112", None),
        ("1411111111111111", None),
        ("41111111111", None),
        ("4111 1111 1111 111x", None),
        ("٤١١١١١١١١١١١١١١١", None),
    ],
)
def test_a_card_is_checked_with_its_last_digit(typed: str, stored: str | None) -> None:
    if stored is None:
        assert fault(CARD, typed) in {"checksum", "length", "letters"}
    else:
        assert payout_addresses.normalize(CARD, typed) == stored


def test_a_bank_account_is_an_iban_or_has_enough_digits() -> None:
    iban = "DE89 3704 0044 0532 0130 00"
    assert payout_addresses.normalize(BANK, iban) == "DE89370400440532013000"
    assert fault(BANK, iban.replace("89", "98")) == "checksum"
    assert fault(BANK, "DE89 3704") == "length"
    russian = "р/с 40817810099910004312, БИК 044525225"
    assert payout_addresses.normalize(BANK, russian) == russian
    assert fault(BANK, "my bank") == "length"
    assert fault(BANK, "1" * 201) == "length"
    assert fault(BANK, "12345678\u202e") == "letters"


def test_a_masked_address_shows_six_characters() -> None:
    assert payout_addresses.masked("DE89370400440532013000") == "DE…3000"
