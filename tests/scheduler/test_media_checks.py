"""Test the checks of published ads with media."""

from datetime import timedelta
from typing import Any

import pytest

from services.market import campaigns
from services.market.creatives import Creative
from services.posts import check_times
from tests.scheduler.scene import AD, Scene
from tests.scheduler.test_post_checks import HOURS, change, check_posts, posted, verdicts

pytestmark = pytest.mark.mostly_waits

FLAGS = {"caption_above": "show_caption_above_media", "has_spoiler": "has_media_spoiler"}
"""The fields of a creative and of a message that say how media are shown."""
LINKED = "Look at https://example.com"
RESTORED_WITH = {"caption_above": "text", "has_spoiler": "media"}
"""The part of the ad whose edit restores a flag."""


async def use_media(scene: Scene, kind: str, **flags: Any) -> str:
    """Create a campaign with media of this kind, and return the unique id of its file.

    `flags` are fields of the creative.
    """
    person = scene.world.ids["advertiser"]
    fields: dict[str, Any] = {"chat_id": person, "caption": AD, kind: True}
    sent = await scene.world.control(f"users/{person}/send", **fields)
    shown = sent[kind][-1] if kind == "photo" else sent[kind]
    async with scene.database.sessions.begin() as session:
        creative = Creative(kind=kind, text=AD, file_id=shown["file_id"], **flags)
        bought = await campaigns.create(
            session,
            actor=scene.actors["advertiser"],
            name="Bakery",
            creative=creative,
            total_budget=100_000,
        )
        await campaigns.activate(session, actor=scene.actors["advertiser"], campaign_id=bought.id)
        scene.campaign_id = bought.id
    return str(shown["file_unique_id"])


async def unique_ids(scene: Scene) -> list[str]:
    """Return the unique ids of the files in the channel."""
    channel = scene.world.state.messages[scene.world.ids["channel"]]
    return [
        view[0]["file_unique_id"] if isinstance(view, list) else view["file_unique_id"]
        for message in channel.values()
        # An animation also has a document with the same file.
        for kind in ("photo", "video", "document")
        if (view := message.body.get(kind))
    ]


@pytest.mark.parametrize("kind", ["photo", "document", "animation"])
async def test_media_that_the_owner_replaced_are_restored_and_told(scene: Scene, kind: str) -> None:
    unique_id = await use_media(scene, kind)
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await change(scene, "replace_media", kind=kind)
    assert await unique_ids(scene) != [unique_id]
    await scene.database.forward(check_times.SHORTEST_PART)
    await check_posts(scene)
    assert await verdicts(scene) == ["altered"]
    assert await unique_ids(scene) == [unique_id]
    [told] = await scene.rows(
        "SELECT DISTINCT payload->'parts' AS parts FROM outbox WHERE kind = 'post_altered'"
    )
    assert told["parts"] == ["media"]
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.database.forward(timedelta(hours=HOURS))
    await check_posts(scene)
    assert await verdicts(scene) == ["altered", "present"]
    assert (await scene.job(target_id))["target"] == "posted"


async def test_a_video_in_the_place_of_a_photo_is_restored(scene: Scene) -> None:
    unique_id = await use_media(scene, "photo")
    await posted(scene)
    await change(scene, "replace_media", kind="video")
    await check_posts(scene)
    assert await verdicts(scene) == ["altered"]
    assert await unique_ids(scene) == [unique_id]


async def shown_flags(scene: Scene) -> set[str]:
    """Return the flags of the creative that the post in the channel shows."""
    [post] = await scene.published()
    body = scene.world.state.messages[scene.world.ids["channel"]][post["message_id"]].body
    return {flag for flag, name in FLAGS.items() if name in body}


async def parts_notified(scene: Scene) -> list[list[str]]:
    """Return the altered parts of each alteration that the advertiser was notified of."""
    told = await scene.rows(
        "SELECT payload->'parts' AS parts FROM outbox"
        " WHERE kind = 'post_altered' AND payload->>'to' = 'advertiser'"
    )
    return [row["parts"] for row in told]


async def check_now(scene: Scene) -> None:
    """Check the post as if its next check were due."""
    await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    await check_posts(scene)


@pytest.mark.parametrize(
    ("kind", "flag", "bought"),
    [
        *((kind, flag, True) for kind in ("photo", "video", "animation") for flag in FLAGS),
        *(("photo", flag, False) for flag in FLAGS),
    ],
)
async def test_a_flag_is_compared_like_the_rest_of_the_ad(
    scene: Scene, kind: str, flag: str, *, bought: bool
) -> None:
    await use_media(scene, kind, **{flag: bought})
    await scene.approve(promised_hours=24)
    await scene.dispatch()
    await check_now(scene)
    assert await verdicts(scene) == ["present"]
    await change(scene, "edit", text=AD, **{FLAGS[flag]: not bought})
    assert await shown_flags(scene) == (set() if bought else {flag})
    await check_now(scene)
    assert await shown_flags(scene) == ({flag} if bought else set())
    assert await parts_notified(scene) == [[RESTORED_WITH[flag]]]
    await check_now(scene)
    assert await verdicts(scene) == ["present", "altered", "present"]
    assert await scene.rows("SELECT id FROM post_jobs WHERE breach IS NOT NULL") == []


async def use_preview(scene: Scene) -> None:
    """Create a campaign with a text whose link has a large preview."""
    async with scene.database.sessions.begin() as session:
        actor = scene.actors["advertiser"]
        bought = await campaigns.create(
            session,
            actor=actor,
            name="Bakery",
            creative=Creative("text", LINKED, link_preview={"size": "large"}),
            total_budget=100_000,
        )
        await campaigns.activate(session, actor=actor, campaign_id=bought.id)
        scene.campaign_id = bought.id


async def preview_shown(scene: Scene) -> dict[str, Any] | None:
    """Return the options of the link preview of the post in the channel."""
    [post] = await scene.published()
    body = scene.world.state.messages[scene.world.ids["channel"]][post["message_id"]].body
    options: dict[str, Any] | None = body.get("link_preview_options")
    return options


@pytest.mark.parametrize(
    "changed",
    [{"text": LINKED, "link_preview_options": {"is_disabled": True}}, {"text": "Other words"}],
)
async def test_a_changed_preview_is_restored_and_told_and_proves_nothing(
    scene: Scene, changed: dict[str, Any]
) -> None:
    await use_preview(scene)
    await scene.approve(promised_hours=24)
    await scene.dispatch()
    await check_now(scene)
    assert await preview_shown(scene) == {"prefer_large_media": True}
    for _ in range(2):
        await change(scene, "edit", **changed)
        await check_now(scene)
        assert await preview_shown(scene) == {"prefer_large_media": True}
    await check_now(scene)
    assert await verdicts(scene) == ["present", "unknown", "unknown", "present"]
    assert await parts_notified(scene) == [["preview"]]
    assert await scene.rows("SELECT id FROM post_jobs WHERE breach IS NOT NULL") == []


async def test_a_changed_button_below_a_preview_counts(scene: Scene) -> None:
    await use_preview(scene)
    await scene.approve(promised_hours=24)
    await scene.dispatch()
    [post] = await scene.published()
    body = scene.world.state.messages[scene.world.ids["channel"]][post["message_id"]].body
    button = {"text": "Other", "url": "https://other.example/"}
    body["reply_markup"] = {"inline_keyboard": [[button]]}
    await check_now(scene)
    assert await verdicts(scene) == ["altered"]
    assert await parts_notified(scene) == [["button"]]
