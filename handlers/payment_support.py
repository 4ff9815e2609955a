"""Help people with their payments (Telegram requires this of bots that sell something)."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.context import RequestContext
from bot.errors import explain
from bot.matches import IN_PRIVATE_CHAT
from bot.payment_callbacks import AskGiveBack, GiveBack, ShowOwnPayment, ShowOwnPayments
from bot.screens import payment_support as screens
from bot.screens.outgoing import Outgoing
from handlers import error_handlers, respond
from services.money import deposit_returns, deposits
from services.platform import errors

SHOWN = 5
"""How many of the latest payments are shown."""

router = Router(name="payment_support")


@router.message(Command("paysupport"), IN_PRIVATE_CHAT)
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
    await respond.show(press, await _payment_screen(context, callback_data.id))


async def _payment_screen(context: RequestContext, deposit_id: int) -> Outgoing:
    """Build the page of one of the person's own payments. Raises NotFound."""
    async with context.read() as session:
        row = await deposits.get_own(session, user_id=context.user_id, deposit_id=deposit_id)
        given = await deposit_returns.find_latest(session, deposit_id)
    return screens.payment(context.t, context.settings.support_contact, row, given)


@router.callback_query(AskGiveBack.filter())
async def ask_give_back(
    press: CallbackQuery, callback_data: AskGiveBack, context: RequestContext
) -> None:
    """Ask whether the person wants a payment back, or say why it is not given back now."""
    async with context.read() as session:
        row = await deposits.get_own(session, user_id=context.user_id, deposit_id=callback_data.id)
        number = await deposit_returns.next_number(session, row.id)
        try:
            await deposit_returns.check(session, row, terms=context.settings.payout_terms)
        except errors.DomainError as error:
            problem: errors.DomainError | None = error
        else:
            problem = None
    if problem is None:
        await respond.show(press, screens.give_back_question(context.t, row, number))
        return
    await error_handlers.record(context, problem)
    await respond.show(press, screens.no_return(context.t, row, explain(context.t, problem)))


@router.callback_query(GiveBack.filter())
async def give_back(press: CallbackQuery, callback_data: GiveBack, context: RequestContext) -> None:
    """Request a payment back. A second press shows what has become of it."""
    async with (
        respond.show_result(press, lambda: _payment_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await deposit_returns.request(
            session,
            actor=context.actor,
            deposit_id=callback_data.id,
            number=callback_data.number,
            terms=context.settings.payout_terms,
        )
