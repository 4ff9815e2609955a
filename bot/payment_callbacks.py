"""Define the data of the buttons with which people look at their own payments."""

from aiogram.filters.callback_data import CallbackData


class ShowOwnPayments(CallbackData, prefix="mypays"):
    """The data of the button that shows a person's latest payments."""


class ShowOwnPayment(CallbackData, prefix="mypay"):
    """The data of a button that shows one of a person's own payments."""

    id: int
