"""Build the messages about the admin chat after it became a supergroup."""

from typing import Literal

from bot.callbacks import ConfirmAdminChat
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts


def moved(t: Texts, to: Literal["staff", "person"]) -> Outgoing:
    """Build the question whether the admin chat has moved.

    The new chat and the super admins (in private) get this question. Only the message in the new
    chat has the button, because the press has to come from there.
    """
    text = t("admin-chat-moved", to=to)
    if to == "person":
        return Outgoing(text)
    return Outgoing(text, rows([button(t("admin-chat-confirm"), ConfirmAdminChat())]))


def confirmed(t: Texts) -> Outgoing:
    """Build the message that a super admin has confirmed the move."""
    return Outgoing(t("admin-chat-confirmed"))
