"""Build aiogram's pydantic models when they are first used, not when they are imported.

An import of aiogram builds the validators of about 440 models, and a process uses few of them.
`docs/performance.md` says how much memory and time the deferred build saves. The package `bot`
calls `install` when it is imported. Therefore no other module depends on an order of imports.

The first use of a model builds the model (0.1 s for `Update`). The model's `model_fields` are
complete only after the first use or after `model_rebuild()`. If a class of this program inherits
fields from a class of aiogram, call `model_rebuild()` on the class of aiogram first.
"""

from typing import Any

from pydantic import BaseModel

_model_rebuild = BaseModel.__dict__["model_rebuild"].__func__
_IMPORTED = ("aiogram.types", "aiogram_i18n.types")
_names: dict[str, Any] = {}
"""The objects to which aiogram's annotations refer, by name. `model_rebuild` receives these objects
from aiogram as a namespace."""


def install() -> None:
    """Defer the build of each pydantic model that is defined after this call to its first use."""
    BaseModel.model_config["defer_build"] = True
    BaseModel.model_rebuild = classmethod(_rebuild_on_use)  # type: ignore[assignment,method-assign]


def _rebuild_on_use(
    model: type[BaseModel],
    /,
    *,
    force: bool = False,
    raise_errors: bool = True,
    _parent_namespace_depth: int = 2,
    _types_namespace: dict[str, Any] | None = None,
) -> bool | None:
    """Build a model, unless aiogram asks for it during its own import.

    This function replaces `BaseModel.model_rebuild`. It is called in two situations. During an
    import, `aiogram.types` and `aiogram_i18n.types` call it for each of their models, and pass a
    namespace. Then it only stores the namespace and returns None. At the first use of a model,
    pydantic calls it without a namespace. Then it builds the model.
    """
    if _types_namespace is not None and model.__module__.startswith(_IMPORTED):
        _names.update(_types_namespace)
        return None
    if any(parent.__module__.startswith("aiogram") for parent in model.__mro__):
        _types_namespace = _names | (_types_namespace or {})
    built: bool | None = _model_rebuild(
        model,
        force=force,
        raise_errors=raise_errors,
        # This function adds one frame between the caller and pydantic.
        _parent_namespace_depth=_parent_namespace_depth + 1,
        _types_namespace=_types_namespace,
    )
    return built
