"""Build the messages about an admin chat with a new id."""

from typing import Literal

from bot.callbacks import ConfirmAdminChat
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts


def moved(t: Texts, to: Literal["staff", "person"]) -> Outgoing:
    """Build the question whether the admin chat has moved to a new chat.

    If `to` is "person", the message has no button.
    """
    text = t("admin-chat-moved", to=to)
    if to == "person":
        return Outgoing(text)
    return Outgoing(text, rows([button(t("admin-chat-confirm"), ConfirmAdminChat())]))


def confirmed(t: Texts) -> Outgoing:
    """Build the message that a super admin has confirmed the new admin chat."""
    return Outgoing(t("admin-chat-confirmed"))
