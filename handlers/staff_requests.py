"""Handle the requests and roles of the staff in the admin chat."""

from collections.abc import Mapping

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnStaffRequest, RequestAct, ShowStaffRequests
from bot.context import RequestContext
from bot.operator_callbacks import ShowStaff
from bot.screens import staff_requests as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from db.models.users import RequestKind, RequestStatus, Role
from handlers import command_arguments, respond
from services.market import staff_requests
from services.market.staff_requests import RequestDetails
from services.platform import roles
from services.platform.actors import STAFF

router = Router(name="staff_requests")

_DECISIONS: Mapping[RequestAct, staff_requests.Decision] = {
    RequestAct.ACKNOWLEDGE: staff_requests.acknowledge,
    RequestAct.DISOWN: staff_requests.drop,
    RequestAct.CONFIRM_CONFIRMED: staff_requests.confirm,
    RequestAct.DROP_CONFIRMED: staff_requests.drop,
}


async def _details(context: RequestContext, request_id: int) -> RequestDetails:
    async with context.read() as session:
        return await staff_requests.get(session, request_id)


async def _card(context: RequestContext, request_id: int) -> Outgoing:
    return screens.card(context.t, await _details(context, request_id))


@router.message(Command("requests"))
@router.callback_query(ShowStaffRequests.filter())
async def show_queue(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowStaffRequests | None = None,
) -> None:
    """Show a page of the staff requests that wait for a confirmation."""
    context.actor.require_staff(*STAFF, action="requests")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await staff_requests.list_open(
            session, limit=FETCH_LIMIT, offset=offset(page_number)
        )
    await respond.show(event, screens.queue(context.t, Page(rows, page_number)))


@router.message(Command("staff"))
@router.callback_query(ShowStaff.filter())
async def show_staff(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowStaff | None = None,
) -> None:
    """Show a page of the people with a staff role."""
    context.actor.require_staff(*STAFF, action="staff")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        people = await roles.staff(session, limit=FETCH_LIMIT, offset=offset(page_number))
    await respond.show(event, screens.staff(context.t, Page(people, page_number)))


@router.callback_query(OnStaffRequest.filter(F.act.in_({RequestAct.CONFIRM, RequestAct.DROP})))
async def ask_to_decide(
    press: CallbackQuery, callback_data: OnStaffRequest, context: RequestContext
) -> None:
    """Ask for confirmation before a person confirms or refuses an open request."""
    context.actor.require_staff(*STAFF, action="request_card")
    details = await _details(context, callback_data.id)
    if details.request.status is RequestStatus.PROPOSED:
        await respond.show(press, screens.confirm(context.t, details, callback_data.act))
    else:
        await respond.replace(press, screens.card(context.t, details))
        await respond.alert(press, context.t("request-moved-on"))


@router.callback_query(OnStaffRequest.filter())
async def press_card(
    press: CallbackQuery, callback_data: OnStaffRequest, context: RequestContext
) -> None:
    """Carry out the decision of a pressed button about a request, and show the result."""
    # After a decision, the database sends the new card to the admin chat, so that nobody can decide
    # in silence. Therefore only one line replaces the pressed card.
    context.actor.require_staff(*STAFF, action="request_card")
    decide = _DECISIONS.get(callback_data.act)
    changed = False

    async def read_screen() -> Outgoing:
        details = await _details(context, callback_data.id)
        return (screens.new_state if changed else screens.card)(context.t, details)

    async with respond.show_result(press, read_screen):
        if decide is not None:
            changed = await _decide(context, decide, callback_data.id)


async def _decide(
    context: RequestContext, decide: staff_requests.Decision, request_id: int
) -> bool:
    """Carry out a decision about a request, and return whether the request has changed."""
    async with context.begin() as session:
        request = (await staff_requests.get(session, request_id)).request
        before = request.status, request.acknowledged
        request = await decide(session, actor=context.actor, request_id=request_id)
    return before != (request.status, request.acknowledged)


@router.message(Command("grant"))
async def ask_to_grant(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Request a staff role for a person: `/grant 12345 operator she joins the night shift`.

    12345 is the person's Telegram id. A second super admin must confirm.
    """
    await _ask(message, command, context, RequestKind.GRANT_ROLE)


@router.message(Command("revoke"))
async def ask_to_revoke(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Request that a person loses a staff role: `/revoke 12345 operator he has left`.

    12345 is the person's Telegram id. A second super admin must confirm.
    """
    await _ask(message, command, context, RequestKind.REVOKE_ROLE)


async def _ask(
    message: Message, command: CommandObject, context: RequestContext, kind: RequestKind
) -> None:
    context.actor.require_staff(Role.SUPER_ADMIN, action=f"request_{kind}")
    arguments = command_arguments.id_and_text(command)
    role, _, reason = (arguments[1] if arguments else "").partition(" ")
    if arguments is None or role not in set(Role) or not reason.strip():
        await respond.show(message, screens.usage(context.t))
        return
    async with context.begin() as session:
        request = await staff_requests.create(
            session,
            actor=context.actor,
            kind=kind,
            arguments={"role": role},
            reason=reason,
            subject_telegram_id=arguments[0],
            from_shell=False,
        )
    await respond.show(message, await _card(context, request.id))
