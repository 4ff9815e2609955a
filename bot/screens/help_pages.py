"""Build the help: what a person can do here, and with which commands."""

from collections.abc import Collection, Sequence

from bot.callbacks import Go, Screen
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.users import Role
from services.market.menu_facts import Sides


def private(t: Texts, sides: Sides, roles: Collection[Role], commands: Sequence[str]) -> Outgoing:
    """Build the help for the private chat. A person who is nothing yet reads both sides."""
    is_new = not (sides.buys or sides.owns or sides.manages)
    buying = t("help-advertiser") if sides.buys or is_new else t("help-advertiser-too")
    owning = t("help-owner") if sides.owns or is_new else t("help-owner-too")
    parts = [t("help")]
    if roles:
        parts.append("\n".join([t("help-staff"), *_roles(t, roles)]))
    if sides.manages:
        parts.append(t("help-manager"))
    parts += [owning, buying] if sides.owns and not sides.buys else [buying, owning]
    parts.append("\n".join([t("help-commands"), *_commands(t, commands)]))
    return Outgoing("\n\n".join(parts), rows([button(t("back"), Go(screen=Screen.MENU))]))


def staff(t: Texts, roles: Collection[Role], commands: Sequence[str]) -> Outgoing:
    """Build the help for the admin chat: a person's roles, and their commands."""
    parts = [t("staff-commands"), "\n".join(_roles(t, roles)), "\n".join(_commands(t, commands))]
    return Outgoing("\n\n".join(parts))


def cancelled(t: Texts, given_back: Sequence[int]) -> Outgoing:
    """Build the answer to `/cancel` in the admin chat. `given_back` are the ids of placements."""
    ids = ", ".join(f"#{target_id}" for target_id in given_back)
    return Outgoing(t("cancel-cards", ids=ids) if given_back else t("cancel-staff"))


def _roles(t: Texts, roles: Collection[Role]) -> list[str]:
    return [t("help-role", role=role.value) for role in Role if role in roles]


def _commands(t: Texts, names: Sequence[str]) -> list[str]:
    return [f"/{name}: {t(f'command-{name}')}" for name in names]
