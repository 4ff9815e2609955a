"""Make aiogram build its pydantic models at their first use.

Import this package before aiogram.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _BeforeAiogram(MetaPathFinder):
    """An import hook that loads nothing, and prepares pydantic at the first import of aiogram.

    Pydantic is not loaded before, because `adtech stop all` has to be quick and does not need it.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the import system passes it
        target: ModuleType | None = None,  # noqa: ARG002 - the same
    ) -> None:
        """Prepare pydantic if the module belongs to aiogram."""
        if fullname.startswith("aiogram"):
            sys.meta_path.remove(self)
            from bot import deferred_models  # noqa: PLC0415 - see above

            deferred_models.install()


sys.meta_path.insert(0, _BeforeAiogram())
