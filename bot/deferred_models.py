"""Build aiogram's pydantic models when they are first used, not when they are imported.

Normally, an import of aiogram builds about 440 models, but a process uses few of them.
`docs/performance.md` says how much memory and time this module saves. The package `bot` calls
`install` when it is imported.

The first use of a model builds the model (0.1 s for `Update`). Before this, the model's
`model_fields` are not complete. If a class of this program inherits fields from a class of aiogram,
first call `model_rebuild()` on the class of aiogram.
"""

from typing import Any

from pydantic import BaseModel

_model_rebuild = BaseModel.__dict__["model_rebuild"].__func__
_IMPORTED = ("aiogram.types", "aiogram_i18n.types")
_names: dict[str, Any] = {}
"""The objects to which aiogram's type annotations refer. A key is the name of an object. aiogram
passes these objects to `model_rebuild` as a namespace."""


def install() -> None:
    """Change pydantic, so that it builds a model at the model's first use.

    This applies to every model that is defined after this call.
    """
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
    """Build a model, except during the import of aiogram.

    This function replaces `BaseModel.model_rebuild`. While `aiogram.types` and `aiogram_i18n.types`
    are imported, they call it for each of their models and pass a namespace. In this case, the
    function only stores the namespace and returns None. At the first use of a model, pydantic calls
    the function without a namespace. In this case, the function builds the model.
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
