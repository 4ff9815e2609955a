"""Errors of the Bot API, with Telegram's texts, and errors of the control API, with sentences."""


class TelegramError(Exception):
    """A Bot API answer that is not ok. The texts are exactly Telegram's."""

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


class ControlError(Exception):
    """An action that is not possible. The sentence says why and what to do."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def bad_request(text: str) -> TelegramError:
    """Return an error 400 with the prefix that Telegram puts before each of them."""
    return TelegramError(400, f"Bad Request: {text}")


def forbidden(text: str) -> TelegramError:
    """Return an error 403 with the prefix that Telegram puts before each of them."""
    return TelegramError(403, f"Forbidden: {text}")


def unsupported(text: str) -> TelegramError:
    """Return an error that names a feature which Telegram has and the sandbox lacks.

    Such a call is refused. It never pretends to succeed.
    """
    return bad_request(f"{text} is not supported in the sandbox")
