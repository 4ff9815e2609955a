"""Makes aiogram's pydantic models build on first use; import it before anything of aiogram.

Importing aiogram builds the validators of some 440 models, most of which a process never touches,
at the price of seconds and of half its memory. Two public means of pydantic put that off: the
setting `defer_build`, and the names that aiogram passes to `model_rebuild`, which are left where
pydantic looks for them by itself, in the module of each class.

Importing this module is the whole interface; in a program's `__main__` it stands above a line
`# isort: split`, so that nothing of aiogram is sorted before it. The first use of a model then
costs what its import did not (0.1 s for `Update`), and its `model_fields` are complete only after
that or after `model_rebuild()`. A class of our own that inherits fields from one of aiogram's
rebuilds it first.

What these imports make stays to the process's end, so the garbage collector leaves it alone, during
them and ever after: a process starts a sixth sooner.
"""

import gc
import re
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

_NAME = re.compile(r"[A-Za-z_]\w*")
_model_rebuild = BaseModel.__dict__["model_rebuild"]
_names: dict[str, Any] = {}


def _remember_names(
    _model: type[BaseModel], /, *, _types_namespace: dict[str, Any] | None = None
) -> None:
    """Stands in for `model_rebuild` during the imports below: keeps the names for later."""
    _names.update(_types_namespace or {})


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for subclass in model.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _leave_names(model: type[BaseModel]) -> None:
    """Puts the names that a model's annotations use, its parents' too, into its module."""
    module = vars(sys.modules[model.__module__])
    for parent in model.__mro__:
        for annotation in vars(parent).get("__annotations__", {}).values():
            for name in _NAME.findall(str(annotation)):
                if name in _names:
                    module.setdefault(name, _names[name])


_sweeps = gc.isenabled()
gc.disable()
BaseModel.model_config["defer_build"] = True
BaseModel.model_rebuild = classmethod(_remember_names)  # type: ignore[assignment,method-assign]
try:
    import aiogram
    import aiogram.webhook.aiohttp_server  # noqa: F401
    import aiogram_dialog  # noqa: F401
    import aiogram_i18n.types  # noqa: F401
    from aiogram.client.context_controller import BotContextController
finally:
    BaseModel.model_rebuild = _model_rebuild  # type: ignore[method-assign]
    del BaseModel.model_config["defer_build"]
    gc.freeze()
    if _sweeps:
        gc.enable()

for _model in _subclasses(BotContextController):
    _leave_names(_model)
