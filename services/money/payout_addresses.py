"""Check the addresses to which people want to be paid."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from db.models.destinations import PayoutMethod

LONGEST = 200
"""The greatest length of an address, in characters."""
_TON_LENGTH, _TON_BYTES = 48, 36
_TON_TAGS = frozenset({0x11, 0x51})
_TON_TEST = 0x80
_TON_WORKCHAINS = frozenset({0x00, 0xFF})
_CARD_DIGITS = range(12, 20)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BANK_DIGITS = 8
"""A bank account that is no IBAN has at least so many digits."""


class AddressFault(StrEnum):
    """Why an address cannot be paid to."""

    LENGTH = "length"
    LETTERS = "letters"
    CHECKSUM = "checksum"
    TEST_NETWORK = "test_network"


class AddressFaultError(ValueError):
    """An address that cannot be paid to."""

    def __init__(self, fault: AddressFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def normalize(method: PayoutMethod, typed: str) -> str:
    """Return a typed address in the form in which it is stored. Raises AddressFaultError."""
    address = " ".join(typed.split())
    if not 0 < len(address) <= LONGEST:
        raise AddressFaultError(AddressFault.LENGTH)
    if not address.isprintable():
        raise AddressFaultError(AddressFault.LETTERS)
    return _CHECKS[method](address)


def masked(address: str) -> str:
    """Return an address of which only the first two and the last four characters are readable."""
    return f"{address[:2]}…{address[-4:]}"


def _ton(address: str) -> str:
    """Check an address of TON in its user-friendly form, which contains a checksum.

    The raw form has no checksum, so one wrong letter would send the money to nobody.
    """
    if len(address) != _TON_LENGTH:
        raise AddressFaultError(AddressFault.LENGTH)
    try:
        content = base64.b64decode(address.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AddressFaultError(AddressFault.LETTERS) from error
    body, checksum = content[:-2], content[-2:]
    if len(content) != _TON_BYTES or binascii.crc_hqx(body, 0).to_bytes(2, "big") != checksum:
        raise AddressFaultError(AddressFault.CHECKSUM)
    tag, workchain = body[0], body[1]
    if tag & _TON_TEST:
        raise AddressFaultError(AddressFault.TEST_NETWORK)
    if tag not in _TON_TAGS or workchain not in _TON_WORKCHAINS:
        raise AddressFaultError(AddressFault.LETTERS)
    return address


def _card(address: str) -> str:
    """Check the number of a payment card with its last digit (Luhn)."""
    digits = address.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdecimal()):
        raise AddressFaultError(AddressFault.LETTERS)
    if len(digits) not in _CARD_DIGITS:
        raise AddressFaultError(AddressFault.LENGTH)
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    if sum(number // 10 + number % 10 for number in doubled) % 10:
        raise AddressFaultError(AddressFault.CHECKSUM)
    return digits


def _bank(address: str) -> str:
    """Check a bank account: the two check digits of an IBAN, or else that there are digits."""
    compact = address.replace(" ", "").upper()
    if re.match(r"[A-Z]{2}[0-9]{2}", compact):
        if not _IBAN.fullmatch(compact):
            raise AddressFaultError(AddressFault.LENGTH)
        moved = compact[4:] + compact[:4]
        if int("".join(str(int(letter, 36)) for letter in moved)) % 97 != 1:
            raise AddressFaultError(AddressFault.CHECKSUM)
        return compact
    if sum(letter.isdecimal() for letter in address) < _BANK_DIGITS:
        raise AddressFaultError(AddressFault.LENGTH)
    return address


_CHECKS: Mapping[PayoutMethod, Callable[[str], str]] = {
    PayoutMethod.TON: _ton,
    PayoutMethod.USDT_TON: _ton,
    PayoutMethod.CARD: _card,
    PayoutMethod.BANK: _bank,
}
