"""Build the screens and notices about the managers of a channel."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bot.callbacks import Go, Screen
from bot.manager_callbacks import ManagerAct, OnManager
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.texts import Texts
from db.models.campaigns import Channel


class Administrator(NamedTuple):
    """An administrator of a channel, as Telegram names the person now."""

    telegram_id: int
    name: str


def managers(
    t: Texts, row: Channel, administrators: Sequence[Administrator], present: Collection[int]
) -> Outgoing:
    """Build the list of a channel's administrators, with a button to name or end each as manager.

    `present` has the Telegram ids of the managers.
    """
    return Outgoing(
        t("managers", title=row.title, found=len(administrators)),
        rows(
            *[
                [
                    button(
                        t("manager-end" if is_manager else "manager-name", name=person.name),
                        OnManager(
                            act=ManagerAct.END if is_manager else ManagerAct.NAME,
                            id=row.id,
                            telegram_id=person.telegram_id,
                        ),
                    )
                ]
                for person in administrators
                for is_manager in [person.telegram_id in present]
            ],
            [button(t("back"), Go(screen=Screen.CHANNEL, id=row.id))],
        ),
    )


def named(t: Texts, row: Channel) -> Outgoing:
    """Build the notice to a person who has become a manager."""
    screen = Go(screen=Screen.CHANNEL, id=row.id)
    return Outgoing(
        t("notice-manager-named", title=row.title),
        rows([receipt_button(t("channel-open"), screen)]),
    )


def ended(t: Texts, row: Channel) -> Outgoing:
    """Build the notice to a person who is no manager any more."""
    return Outgoing(t("notice-manager-ended", title=row.title))
