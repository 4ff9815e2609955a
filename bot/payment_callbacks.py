"""Define the data of the buttons with which people look at their own payments."""

from aiogram.filters.callback_data import CallbackData


class ShowOwnPayments(CallbackData, prefix="mypays"):
    """The data of the button that shows a person's latest payments."""


class ShowOwnPayment(CallbackData, prefix="mypay"):
    """The data of a button that shows one of a person's own payments."""

    id: int


class AskGiveBack(CallbackData, prefix="askback"):
    """The data of the button that asks whether a person wants a payment back."""

    id: int


class GiveBack(CallbackData, prefix="giveback"):
    """The data of the button with which a person wants a payment back.

    A trigger of the database compares it with the row (`db/functions/guard_deposit_return.sql`).
    """

    id: int
    number: int
    """How many returns of the payment were refused before."""
