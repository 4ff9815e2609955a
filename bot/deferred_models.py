"""Build aiogram's pydantic models at their first use, which saves memory and time.

The `model_fields` of a model are not complete before its first use. Before a class inherits from a
model of aiogram, call `model_rebuild()` on that model.
"""

from typing import Any

from pydantic import BaseModel

_model_rebuild = BaseModel.__dict__["model_rebuild"].__func__
_IMPORTED = ("aiogram.types", "aiogram_i18n.types")
_names: dict[str, Any] = {}
"""The objects in aiogram's type annotations, by name."""


def install() -> None:
    """Change pydantic so that it builds each later model at the model's first use."""
    BaseModel.model_config["defer_build"] = True
    BaseModel.model_rebuild = classmethod(_rebuild_on_use)  # type: ignore[assignment,method-assign]  # on purpose


def _rebuild_on_use(
    model: type[BaseModel],
    /,
    *,
    force: bool = False,
    raise_errors: bool = True,
    _parent_namespace_depth: int = 2,
    _types_namespace: dict[str, Any] | None = None,
) -> bool | None:
    """Replace `BaseModel.model_rebuild`.

    During the import of aiogram, store the namespace and return None.
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
