"""Make ads that are albums, of files that a person sends."""

from typing import Any

from services.market.creatives import Creative
from tests.sandbox.telegram.raw_world import SandboxClient

CAPTION = "Fresh bread"


async def items(world: SandboxClient, *kinds: str, caption: str = CAPTION) -> tuple[Creative, ...]:
    """Let a person send files, and return them as items. The first one has the caption."""
    made: list[Creative] = []
    for kind in kinds:
        content: dict[str, Any] = {kind: True}
        sent = (await world.say("", **content))[kind]
        file = sent[-1] if isinstance(sent, list) else sent
        made.append(
            Creative(
                kind,
                "" if made else caption,
                file_id=file["file_id"],
                file_unique_id=file["file_unique_id"],
            )
        )
    return tuple(made)


async def album(world: SandboxClient, *kinds: str, caption: str = CAPTION) -> Creative:
    """Return an album of new files, whose first item has the caption."""
    return Creative("album", items=await items(world, *kinds, caption=caption))
