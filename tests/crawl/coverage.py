"""Find out which kinds of buttons and which steps of forms a walk has not reached."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.state import StatesGroup

import bot
import handlers
from bot.callbacks import BESIDE
from tests.crawl.acts import Done

_FEE = "the platform of a walk keeps a fee, so people press WithdrawWithFee"
_STARS = "only a payment in Stars is given back, and the money of a walk is dollars"
_INCIDENT = "only a broken ledger opens an incident, and a broken ledger is a fault of a walk"
NOT_IN_A_WALK: Mapping[str, str] = {
    "Withdraw": _FEE,
    "WithdrawTo": _FEE,
    "AskGiveBack": _STARS,
    "GiveBack": _STARS,
    "OnIncident.act=close": _INCIDENT,
    "OnIncident.act=close_sure": _INCIDENT,
    "ConfirmAdminChat": "the admin chat of a walk is a supergroup already, and such a chat stays",
}
"""The kinds of buttons that no walk reaches, with the reason."""


@dataclass
class Coverage:
    """The kinds of buttons that people have pressed, and the steps of forms that they saw."""

    pressed: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)

    def note(self, done: Done) -> None:
        """Note the button of a press, if the bot has offered this button to the person."""
        if done.forged is None:
            self.pressed |= set(kinds_of(done.data))

    def missing_buttons(self) -> list[str]:
        """Return the kinds of buttons that nobody has pressed, each with its act."""
        return sorted(all_kinds() - self.pressed)

    def missing_states(self) -> list[str]:
        """Return the steps of forms that nobody has seen."""
        return sorted(all_states() - self.states)


def kinds_of(data: str) -> list[str]:
    """Return the class of a button, and its acts, for example `OnCampaign.act=activate`."""
    data = data.removeprefix(BESIDE)
    for kind in CallbackData.__subclasses__():
        if data == kind.__prefix__ or data.startswith(f"{kind.__prefix__}{kind.__separator__}"):
            try:
                pressed = kind.unpack(data)
            except (TypeError, ValueError):
                return []
            values = {name: getattr(pressed, name) for name in kind.model_fields}
            return [
                kind.__name__,
                *(
                    f"{kind.__name__}.{name}={value.value}"
                    for name, value in values.items()
                    if isinstance(value, Enum)
                ),
            ]
    return []


def all_kinds() -> set[str]:
    """Return all classes of buttons, and all their acts."""
    for found in pkgutil.iter_modules(bot.__path__, "bot."):
        if found.name.endswith("callbacks"):
            importlib.import_module(found.name)
    kinds = set[str]()
    for kind in CallbackData.__subclasses__():
        if not kind.__module__.startswith("bot."):
            continue
        kinds.add(kind.__name__)
        for name, model_field in kind.model_fields.items():
            if isinstance(model_field.annotation, type) and issubclass(
                model_field.annotation, Enum
            ):
                kinds |= {f"{kind.__name__}.{name}={each.value}" for each in model_field.annotation}
    return kinds


def all_states() -> set[str]:
    """Return all steps of all forms."""
    for found in pkgutil.iter_modules(handlers.__path__, "handlers."):
        importlib.import_module(found.name)
    return {
        str(state.state)
        for group in StatesGroup.__subclasses__()
        if group.__module__.startswith("handlers.")
        for state in group.__states__
    }
