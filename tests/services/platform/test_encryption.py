"""Test the encryption of texts with several keys."""

import pytest
from cryptography.fernet import Fernet

from services.platform.encryption import Encryption, UndecryptableError


def test_a_text_is_read_with_its_key_alone() -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    token = Encryption([old]).encrypt("адрес")
    assert "адрес" not in token
    assert Encryption([new, old]).decrypt(token) == "адрес"
    for call in (Encryption([new]).decrypt, Encryption([new]).rotate):
        with pytest.raises(UndecryptableError):
            call(token)
    with pytest.raises(UndecryptableError):
        Encryption([old]).decrypt(token[:-3] + "AAA")


def test_a_rotated_text_needs_only_the_new_key() -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    rotated = Encryption([new, old]).rotate(Encryption([old]).encrypt("x"))
    assert Encryption([new]).decrypt(rotated) == "x"


@pytest.mark.parametrize("keys", [[], ["short"]])
def test_wrong_keys_are_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Encryption(keys)
