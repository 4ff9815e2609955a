"""Encrypt texts that the database must not hold in plain form.

The keys come from a setting. The first one encrypts, and each of them decrypts, so that a new key
can be put first while old texts remain readable.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class UndecryptableError(Exception):
    """No key decrypts the text: a key is missing, or the text was changed."""


class Encryption:
    """Encrypts and decrypts texts with a list of Fernet keys, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Read the keys. Raises ValueError if a key is wrong or the list is empty."""
        self._keys = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, text: str) -> str:
        """Encrypt a text with the newest key."""
        return self._keys.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the text of a token. Raises UndecryptableError."""
        try:
            return self._keys.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise UndecryptableError from error

    def rotate(self, token: str) -> str:
        """Encrypt the text of a token again, with the newest key. Raises UndecryptableError."""
        try:
            return self._keys.rotate(token.encode()).decode()
        except InvalidToken as error:
            raise UndecryptableError from error
