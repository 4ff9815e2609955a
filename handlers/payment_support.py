"""Help people with their payments (Telegram requires this of bots that sell something)."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.context import RequestContext
from bot.payment_callbacks import ShowOwnPayment, ShowOwnPayments
from bot.screens import payment_support as screens
from handlers import respond
from services.money import deposits

SHOWN = 5
"""How many of the latest payments are shown."""

router = Router(name="payment_support")


@router.message(Command("paysupport"), F.chat.type == ChatType.PRIVATE)
@router.callback_query(ShowOwnPayments.filter())
async def show_support(event: Message | CallbackQuery, context: RequestContext) -> None:
    """Show where people get help with a payment, and their latest payments."""
    async with context.read() as session:
        payments = await deposits.list_own(session, user_id=context.user_id, limit=SHOWN)
    contact = context.settings.support_contact
    await respond.show(event, screens.payment_support(context.t, contact, payments))


@router.callback_query(ShowOwnPayment.filter())
async def show_payment(
    press: CallbackQuery, callback_data: ShowOwnPayment, context: RequestContext
) -> None:
    """Show one of the person's own payments. Raises NotFound for any other payment."""
    async with context.read() as session:
        row = await deposits.get_own(session, user_id=context.user_id, deposit_id=callback_data.id)
    await respond.show(press, screens.payment(context.t, context.settings.support_contact, row))
