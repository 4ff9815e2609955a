"""Find the handler of an update among the handlers of many routers at little cost."""

from typing import Any

from aiogram import Router
from aiogram.dispatcher.event.handler import HandlerObject
from aiogram.dispatcher.event.telegram import TelegramEventObserver
from aiogram.filters.callback_data import CallbackQueryFilter
from aiogram.types import CallbackQuery, TelegramObject


class FlatRouter(Router):
    """A router that has the handlers of other routers, in the order of these routers.

    aiogram asks each router of a tree for itself, and each handler of a button reads the button's
    data for itself.
    """

    def __init__(self, *routers: Router, name: str) -> None:
        """Take the handlers of `routers`, which have no filters and middlewares of their own."""
        super().__init__(name=name)
        buttons = _ButtonObserver(router=self, event_name="callback_query")
        self.callback_query = self.observers["callback_query"] = buttons
        for router in routers:
            for event_name, observer in router.observers.items():
                self.observers[event_name].handlers.extend(observer.handlers)
        buttons.index()


class _ButtonObserver(TelegramEventObserver):
    """The handlers of presses. Only those that may take a button are asked."""

    def __init__(self, router: Router, event_name: str) -> None:
        super().__init__(router, event_name)
        self._of_prefix: dict[str | None, TelegramEventObserver] = {}

    def index(self) -> None:
        """Prepare for presses. No handler may be added after this call."""
        prefixes = [_prefix_of(handler) for handler in self.handlers]
        for prefix in {None, *prefixes}:
            observer = TelegramEventObserver(self.router, self.event_name)
            observer.handlers = [
                handler
                for handler, own in zip(self.handlers, prefixes, strict=True)
                if own in {None, prefix}
            ]
            self._of_prefix[prefix] = observer

    async def trigger(self, event: TelegramObject, **kwargs: Any) -> Any:
        """Call the first handler that takes the press, as aiogram does."""
        data = event.data if isinstance(event, CallbackQuery) else None
        prefix = (data or "").partition(":")[0]
        observer = self._of_prefix.get(prefix, self._of_prefix[None])
        return await observer.trigger(event, **kwargs)


def _prefix_of(handler: HandlerObject) -> str | None:
    """Return the prefix of the buttons that a handler takes, or None if it takes others too."""
    for each in handler.filters or ():
        if isinstance(each.callback, CallbackQueryFilter):
            return each.callback.callback_data.__prefix__
    return None
