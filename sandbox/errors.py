"""Define the errors of the Bot API and of the control API.

The bot gets errors of the Bot API, with Telegram's texts. Tests and the sandbox's page get errors
of the control API, with sentences that explain the reason.
"""


class TelegramError(Exception):
    """The Bot API refuses a call. The code and the description are the same as Telegram's."""

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
    """Return an error 400. As in Telegram, the text begins with "Bad Request: "."""
    return TelegramError(400, f"Bad Request: {text}")


def forbidden(text: str) -> TelegramError:
    """Return an error 403. As in Telegram, the text begins with "Forbidden: "."""
    return TelegramError(403, f"Forbidden: {text}")


def unsupported(text: str) -> TelegramError:
    """Return the error for a feature that Telegram has and the sandbox does not have.

    `text` names the feature.
    """
    return bad_request(f"{text} is not supported in the sandbox")
