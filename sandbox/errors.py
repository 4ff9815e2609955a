"""Define the errors of the Bot API and of the control API.

Errors of the Bot API have Telegram's texts. Errors of the control API have full sentences.
"""


class TelegramError(Exception):
    """The Bot API refuses a call. Code and description are exactly those of Telegram."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(description)
        self.migrate_to_chat_id = migrate_to_chat_id
        self.code = code
        self.description = description
        self.retry_after = retry_after


class ControlError(Exception):
    """The control API refuses a request. The text says why, and often what to do instead."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def bad_request(text: str) -> TelegramError:
    """Return an error 400. Its text gets the prefix "Bad Request: ", as at Telegram."""
    return TelegramError(400, f"Bad Request: {text}")


def forbidden(text: str) -> TelegramError:
    """Return an error 403. Its text gets the prefix "Forbidden: ", as at Telegram."""
    return TelegramError(403, f"Forbidden: {text}")


def unsupported(text: str) -> TelegramError:
    """Return an error that names a feature which Telegram has and the sandbox lacks.

    A call with such a feature is refused. The sandbox never pretends that the call succeeds.
    """
    return bad_request(f"{text} is not supported in the sandbox")
