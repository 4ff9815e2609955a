"""Build the screens of the staff and of staff requests, which wait for a confirmation."""

from collections.abc import Mapping
from typing import Any

from bot.callbacks import OnStaffRequest, RequestAct, ShowStaffRequests
from bot.operator_callbacks import ShowStaff
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.users import RequestKind, RequestStatus, Role, StaffRequest, User
from services.market.staff_requests import RequestDetails

_UNACKNOWLEDGED = "unacknowledged"
"""The state of a request from a shell that its requester has not acknowledged."""
_FACTS = ("wallet_id", "from_wallet", "to_wallet", "amount", "entry_id", "target_id")
"""The facts of a proposed repair of the ledger, in the order of the screen."""


def queue(t: Texts, page: Page[StaffRequest]) -> Outgoing:
    """Build the list of the open staff requests, the oldest first."""
    return Outgoing(
        t("requests" if page.fetched else "requests-none"),
        rows(
            *column(
                (
                    t(
                        "requests-row",
                        id=str(row.id),
                        kind=t("request-kind", kind=row.kind.value),
                        status=_state(row),
                    ),
                    OnStaffRequest(act=RequestAct.CARD, id=row.id),
                )
                for row in page.rows
            ),
            page.buttons(t, lambda number: ShowStaffRequests(page=number)),
        ),
    )


def card(t: Texts, details: RequestDetails) -> Outgoing:
    """Build the screen of one staff request."""
    row = details.request
    text = "\n\n".join(
        (
            t("request-card", id=str(row.id), what=_what(t, details)),
            t(
                "request-by",
                by=str(details.requester_telegram_id),
                when=t.time(row.created_at),
                reason=t("request-reason", reason=row.reason),
            ),
            _describe_state(t, details),
        )
    )
    return Outgoing(
        text,
        rows(
            *column(
                (label, OnStaffRequest(act=act, id=row.id))
                for act, label in _allowed_acts(t, row).items()
            ),
            [button(t("back"), ShowStaffRequests())],
        ),
    )


def new_state(t: Texts, details: RequestDetails) -> Outgoing:
    """Build the line that replaces a pressed card after a decision. The new card is a notice."""
    text = t("request-new-state", id=str(details.request.id), state=_describe_state(t, details))
    return Outgoing(text, rows([button(t("back"), ShowStaffRequests())]))


def confirm(t: Texts, details: RequestDetails, act: RequestAct) -> Outgoing:
    """Build the question whether a person really wants to confirm or refuse a staff request.

    `act` is CONFIRM or DROP (to refuse).
    """
    row = details.request
    sure = RequestAct.CONFIRM_CONFIRMED if act is RequestAct.CONFIRM else RequestAct.DROP_CONFIRMED
    return Outgoing(
        t("request-question", act=act.name.lower(), id=str(row.id), what=_what(t, details)),
        rows(
            [
                button(
                    t("request-sure", act=act.name.lower()),
                    OnStaffRequest(act=sure, id=row.id),
                )
            ],
            [button(t("no-go-back"), OnStaffRequest(act=RequestAct.CARD, id=row.id))],
        ),
    )


def staff(t: Texts, page: Page[tuple[User, frozenset[Role]]]) -> Outgoing:
    """Build a page of the list of the people with a staff role."""
    lines = [
        t(
            "staff-line",
            person=str(user.telegram_id),
            roles=", ".join(t("staff-role", role=role.value) for role in sorted(roles)),
            blocked="yes" if user.blocked else "no",
        )
        for user, roles in page.rows
    ]
    return Outgoing(
        "\n".join([t("staff-list"), *lines, "", usage(t).text]),
        rows(page.buttons(t, lambda number: ShowStaff(page=number))),
    )


def usage(t: Texts) -> Outgoing:
    """Build the explanation of the commands that grant and revoke roles."""
    return Outgoing(t("role-usage", roles=", ".join(role.value for role in Role)))


def _describe_state(t: Texts, details: RequestDetails) -> str:
    """Describe what has happened to a request, and for what it waits."""
    decider = details.decider_telegram_id
    return t(
        "request-state",
        status=_state(details.request),
        requester=str(details.requester_telegram_id),
        by="system" if decider is None else str(decider),
    )


def _what(t: Texts, details: RequestDetails) -> str:
    """Describe the action that a staff request asks for."""
    arguments = details.request.arguments
    correction, facts = "", ""
    if details.request.kind is RequestKind.REPAIR:
        correction = str(arguments["correction"])
    elif details.request.kind is RequestKind.CORRECTION:
        correction = t("correction-kind", kind=str(arguments["correction"]))
        facts = ", ".join(
            t("request-fact", name=name, value=_fact(t, name, arguments[name]))
            for name in _FACTS
            if name in arguments
        )
    return t(
        "request-what",
        kind=details.request.kind.value,
        person=str(details.subject_telegram_id or ""),
        key=str(arguments.get("key", "")),
        role=t("staff-role", role=str(arguments.get("role", "none"))),
        update=str(arguments.get("inbox_id", "")),
        charge=_charge(t, arguments),
        withdrawal=str(arguments.get("withdrawal_id", "")),
        reference=str(arguments.get("external_reference", "")),
        correction=correction,
        details=facts,
        phase=str(arguments.get("phase", "")),
    )


def _charge(t: Texts, arguments: Mapping[str, Any]) -> str:
    """Return the ids of a payment: Telegram's, and the provider's if the requester typed it."""
    charge = str(arguments.get("charge_id", ""))
    provider = arguments.get("provider_charge_id")
    return charge if provider is None else f"{charge} ({t('provider-charge', id=str(provider))})"


def _fact(t: Texts, name: str, value: int) -> str:
    return t.money(value) if name == "amount" else str(value)


def _state(row: StaffRequest) -> str:
    waits = row.status is RequestStatus.PROPOSED and not row.acknowledged
    return _UNACKNOWLEDGED if waits else row.status.value


def _allowed_acts(t: Texts, row: StaffRequest) -> Mapping[RequestAct, str]:
    """Return the actions that a request allows, with the texts of their buttons."""
    if row.status is not RequestStatus.PROPOSED:
        return {}
    if row.acknowledged:
        return {RequestAct.CONFIRM: t("request-yes"), RequestAct.DROP: t("request-no")}
    return {RequestAct.ACKNOWLEDGE: t("request-mine"), RequestAct.DISOWN: t("request-not-mine")}
