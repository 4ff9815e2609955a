"""Build aiogram's pydantic models when they are first used, not when they are imported.

Importing aiogram builds the validators of some 440 models, and a process uses few of them.
`docs/performance.md` says how much memory and time this saves. The package `bot` calls `install`
when it is imported, so nothing else has to care about an order of imports.

The first use of a model costs what its import did not (0.1 s for `Update`). Its `model_fields` are
complete only after that, or after `model_rebuild()`. A class of our own that inherits fields from a
class of aiogram must call `model_rebuild()` on that class first.
"""

from typing import Any

from pydantic import BaseModel

_model_rebuild = BaseModel.__dict__["model_rebuild"].__func__
_IMPORTED = ("aiogram.types", "aiogram_i18n.types")
_names: dict[str, Any] = {}
"""What aiogram's annotations refer to, by name. aiogram passes it to `model_rebuild`."""


def install() -> None:
    """Defer the build of all pydantic models that are defined from now on."""
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
    """Replace `BaseModel.model_rebuild`: do not build a type of aiogram while it is imported.

    At the end of their import, `aiogram.types` and `aiogram_i18n.types` call this for each of their
    models with a namespace. The namespace is kept for the first use. pydantic itself passes none
    for a model, and builds it then.
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
        # The frame of this function lies between the caller and pydantic.
        _parent_namespace_depth=_parent_namespace_depth + 1,
        _types_namespace=_types_namespace,
    )
    return built
