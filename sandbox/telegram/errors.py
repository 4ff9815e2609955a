"""Define the errors of the Bot API and of the control API."""


class TelegramError(Exception):
    """The Bot API refuses a call, with Telegram's code and description."""

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
    """The control API refuses a request. The text gives the reason."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


def bad_request(text: str) -> TelegramError:
    """Return an error 400 whose text begins with "Bad Request"."""
    return TelegramError(400, f"Bad Request: {text}")


def forbidden(text: str) -> TelegramError:
    """Return an error 403 whose text begins with "Forbidden"."""
    return TelegramError(403, f"Forbidden: {text}")


def unsupported(text: str) -> TelegramError:
    """Return the error for the Telegram feature `text`, which the sandbox lacks."""
    return bad_request(f"{text} is not supported in the sandbox")
