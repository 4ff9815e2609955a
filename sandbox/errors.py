"""Refusals: of the Bot API in Telegram's own words, and of the control API in sentences."""


class TelegramError(Exception):
    """A Bot API answer that is not ok; the texts are Telegram's, word for word."""

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


class ControlError(Exception):
    """What a person tried is not possible; the sentence says why and what to do."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def bad_request(text: str) -> TelegramError:
    """400, with the prefix that Telegram puts before each of them."""
    return TelegramError(400, f"Bad Request: {text}")


def forbidden(text: str) -> TelegramError:
    """403, likewise."""
    return TelegramError(403, f"Forbidden: {text}")


def unsupported(text: str) -> TelegramError:
    """What Telegram has and the sandbox has not: said, never pretended."""
    return bad_request(f"{text} is not supported in the sandbox")
