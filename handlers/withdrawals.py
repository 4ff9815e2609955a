"""Handle the approval, payment and return of withdrawals in the admin chat."""

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnWithdrawal, ShowWithdrawals, WithdrawalAct
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import destinations as destination_screens
from bot.screens import staff_requests as request_screens
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from db.models.money import WithdrawalStatus
from db.models.users import RequestKind
from handlers import command_arguments, error_handlers, respond
from services.market import staff_requests
from services.money import (
    destinations,
    payment_claims,
    withdrawal_details,
    withdrawal_sources,
    withdrawals,
)
from services.money.withdrawal_details import WithdrawalDetails
from services.money.withdrawal_sources import Sources
from services.platform import errors
from services.platform.actors import MODERATORS
from services.platform.payout_errors import DestinationDropped, DestinationUnreadable

router = Router(name="withdrawals")


async def _card(context: RequestContext, withdrawal_id: int) -> WithdrawalDetails:
    async with context.read() as session:
        return await withdrawal_details.get_details(session, withdrawal_id)


async def _with_sources(
    context: RequestContext, withdrawal_id: int
) -> tuple[WithdrawalDetails, Sources]:
    async with context.read() as session:
        details = await withdrawal_details.get_details(session, withdrawal_id)
        return details, await withdrawal_sources.get(session, withdrawal_id)


async def _card_screen(context: RequestContext, withdrawal_id: int) -> Outgoing:
    return screens.card(context.t, *await _with_sources(context, withdrawal_id))


async def _ask_reference_screen(context: RequestContext, withdrawal_id: int) -> Outgoing:
    return screens.ask_reference(context.t, await _card(context, withdrawal_id))


@router.message(Command("withdrawals"))
@router.callback_query(ShowWithdrawals.filter())
async def show_queue(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowWithdrawals | None = None,
) -> None:
    """Show a page of the withdrawals that an admin must approve or pay."""
    context.actor.require_staff(*MODERATORS, action="withdrawals")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await withdrawal_details.list_open(
            session, limit=FETCH_LIMIT, offset=offset(page_number)
        )
    await respond.show(event, screens.queue(context.t, Page(rows, page_number)))


@router.callback_query(OnWithdrawal.filter(F.act == WithdrawalAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Show the present state of a withdrawal."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_card")
    await respond.show(press, await _card_screen(context, callback_data.id))


@router.callback_query(
    OnWithdrawal.filter(F.act.in_({WithdrawalAct.ASK_REFERENCE, WithdrawalAct.ASK_REASON}))
)
async def ask_details(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext, bot: Bot
) -> None:
    """Ask for the bank's id of a payment, or for the reason to return the money.

    The question for the bank's id claims the payment for this admin, who gets the person's address
    in private. If the person is blocked, owes money or has dropped the address, it claims nothing
    and says not to pay.
    """
    context.actor.require_staff(*MODERATORS, action="withdrawal_card")
    row = await _card(context, callback_data.id)
    if row.status not in withdrawal_details.OPEN:
        await respond.replace(press, await _card_screen(context, row.withdrawal_id))
        await respond.alert(press, context.t("withdrawal-moved-on"))
    elif callback_data.act is WithdrawalAct.ASK_REFERENCE:
        claimed = None
        try:
            async with context.begin() as session:
                claimed = await payment_claims.claim(
                    session, actor=context.actor, withdrawal_id=row.withdrawal_id
                )
        except (errors.PersonBlocked, errors.OpenLoss, DestinationDropped) as refusal:
            # A payment that was already made can still be recorded.
            await error_handlers.record(context, refusal)
        outcome = None
        if claimed is not None and claimed.status is WithdrawalStatus.APPROVED:
            outcome = await _send_address(press, context, bot, row)
        screen = await _ask_reference_screen(context, row.withdrawal_id)
        if outcome is None:
            await respond.show(press, screen)
        else:
            await respond.replace(press, screen)
            await respond.alert(press, outcome)
    else:
        await respond.show(press, screens.reasons(context.t, row))


async def _send_address(
    press: CallbackQuery, context: RequestContext, bot: Bot, row: WithdrawalDetails
) -> str | None:
    """Send the address of a withdrawal to the admin who has claimed its payment, in private.

    Return the words that say whether it was sent, or None if there is no address.
    """
    if row.destination_id is None or row.method is None:
        return None
    try:
        encryption = context.settings.encryption
    except ValueError as error:  # DESTINATION_KEYS is empty now
        raise DestinationUnreadable(row.destination_id) from error
    async with context.read() as session:
        address = await destinations.read_for_payment(
            session, encryption, row.withdrawal_id, actor=context.actor
        )
    screen = destination_screens.to_pay(context.t, row, row.method, address)
    try:
        await respond.send(bot, press.from_user.id, screen)
    except (TelegramForbiddenError, TelegramBadRequest):
        return context.t("destination-no-private")
    return context.t("destination-sent")


@router.callback_query(OnWithdrawal.filter(F.act == WithdrawalAct.APPROVE))
async def ask_to_approve(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Ask for confirmation before a requested withdrawal is approved."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_approve")
    details, sources = await _with_sources(context, callback_data.id)
    if details.status is WithdrawalStatus.REQUESTED:
        await respond.show(press, screens.confirm_approval(context.t, details, sources))
    else:
        await respond.replace(press, screens.card(context.t, details, sources))
        await respond.alert(press, context.t("withdrawal-moved-on"))


@router.callback_query(OnWithdrawal.filter(F.act == WithdrawalAct.APPROVE_CONFIRMED))
async def approve(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Approve a withdrawal.

    Until its deposits are compared with Telegram's list, the bot shows a button for a new attempt.
    """
    withdrawal_id = callback_data.id
    try:
        async with (
            respond.show_result(press, lambda: _card_screen(context, withdrawal_id)),
            context.begin() as session,
        ):
            await withdrawals.approve(session, actor=context.actor, withdrawal_id=withdrawal_id)
    except errors.NotCompared as refusal:
        details = await _card(context, withdrawal_id)
        screen = screens.not_compared(context.t, details, explain(context.t, refusal))
        await respond.show(press, screen)


@router.callback_query(
    OnWithdrawal.filter((F.act == WithdrawalAct.RETURN) & F.reason.in_(screens.REASONS))
)
async def return_for_preset(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Return the money of a withdrawal to the wallet for a preset reason."""
    withdrawal_id = callback_data.id
    async with (
        respond.show_result(press, lambda: _card_screen(context, withdrawal_id)),
        context.begin() as session,
    ):
        await withdrawals.return_money(
            session, actor=context.actor, withdrawal_id=withdrawal_id, reason=callback_data.reason
        )


@router.message(Command("paid"))
async def paid(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Mark withdrawal 12 as paid under the bank's id of the payment: `/paid 12 wire-0815`.

    A second admin must confirm the payment of a withdrawal that is not approved. Such a payment
    needs a reason in the next line of the message.
    """
    context.actor.require_staff(*MODERATORS, action="withdrawal_paid")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("withdrawal-paid-usage")))
        return
    withdrawal_id, text = arguments
    reference, _, reason = (part.strip() for part in text.partition("\n"))
    try:
        async with context.begin() as session:
            await withdrawals.mark_paid(
                session,
                actor=context.actor,
                withdrawal_id=withdrawal_id,
                external_reference=reference,
            )
    except errors.SecondPersonNeeded:
        if reason:
            await _ask_second_person(message, context, withdrawal_id, reference, reason)
        else:
            screen = screens.ask_payment_reason(
                context.t, await _card(context, withdrawal_id), reference
            )
            await respond.show(message, screen)
        return
    except errors.IdempotencyConflict:
        taken = context.t("withdrawal-reference-taken", id=str(withdrawal_id))
        await respond.show(message, Outgoing(taken))
        return
    await respond.show(message, await _card_screen(context, withdrawal_id))


async def _ask_second_person(
    message: Message, context: RequestContext, withdrawal_id: int, reference: str, reason: str
) -> None:
    """Ask a second admin to confirm the payment of a withdrawal that is not approved."""
    details = await _card(context, withdrawal_id)
    async with context.begin() as session:
        request = await staff_requests.create(
            session,
            actor=context.actor,
            kind=RequestKind.RECORD_PAYMENT,
            arguments={"withdrawal_id": withdrawal_id, "external_reference": reference},
            reason=reason,
            subject_telegram_id=details.telegram_id,
            from_shell=False,
        )
    async with context.read() as session:
        card = request_screens.card(context.t, await staff_requests.get(session, request.id))
    await respond.show(message, card)


@router.message(Command("return"))
async def return_for_text(
    message: Message, command: CommandObject, context: RequestContext
) -> None:
    """Return the money of withdrawal 12 to the wallet: `/return 12 the bank sent it back`."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_return")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("withdrawal-return-usage")))
        return
    withdrawal_id, reason = arguments
    async with context.begin() as session:
        await withdrawals.return_money(
            session, actor=context.actor, withdrawal_id=withdrawal_id, reason=reason
        )
    await respond.show(message, await _card_screen(context, withdrawal_id))
