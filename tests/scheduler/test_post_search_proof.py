"""Test which message in a channel a search accepts as the searched ad."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.telegram.message_lookup import Probe
from scheduler import notice_delivery, post_search
from scheduler.post_search import Search
from services.market.creatives import Creative
from services.posts import posting
from tests.factories import breakage
from tests.scheduler.scene import AD, Row, Scene
from tests.scheduler.test_post_search import (
    GAP,
    make_message_id_known,
    search,
    uncertain,
    write_by_hand,
)

pytestmark = pytest.mark.mostly_waits

BOLD = [{"type": "bold", "offset": 0, "length": 5}]
ITALIC = [{"type": "italic", "offset": 0, "length": 5}]
TEXT_AD = Creative("text", AD, BOLD, button_text="Buy", button_url="https://bread.example")
KEYBOARD = {"inline_keyboard": [[{"text": "Buy", "url": "https://bread.example"}]]}
OTHER_LINK = {"inline_keyboard": [[{"text": "Buy", "url": "https://cake.example"}]]}


@pytest.fixture(autouse=True)
def _few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_search, "EMPTY_IDS_AT_END", 1)


async def use_ad(scene: Scene, ad: Creative) -> None:
    """Replace the ad of the campaign."""
    stored = json.dumps(ad.as_json())
    await scene.database.as_owner(breakage.UNFROZEN)
    await scene.database.as_owner("UPDATE campaigns SET creative = $1::text::jsonb", stored)


async def make_photo_ad(scene: Scene, caption: str = "", **more: Any) -> Creative:
    """Replace the ad of the campaign with a photo, and return the new ad."""
    [photo] = (await scene.world.say("", photo=True))["photo"]
    files = {"file_id": photo["file_id"], "file_unique_id": photo["file_unique_id"]} | more
    ad = Creative("photo", caption, **files)
    await use_ad(scene, ad)
    return ad


async def write_as_bot(scene: Scene, **fields: Any) -> int:
    """Let the bot publish a message that is no ad, and return the message's id."""
    photo = fields.pop("photo", None)
    fields |= {"chat_id": scene.world.ids["channel"]}
    if photo:
        sent = await scene.world.call("sendPhoto", photo=photo, **fields)
    else:
        sent = await scene.world.call("sendMessage", **fields)
    message_id: int = sent["message_id"]
    return message_id


async def shown(scene: Scene, message_id: int) -> Row:
    """Return a message of the channel with its current content."""
    [found] = [m for m in await scene.messages("channel") if m["message_id"] == message_id]
    return found


async def require_unresolved(scene: Scene, target_id: int) -> None:
    """Check that the post is uncertain, its money is held, and the admins get a card."""
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["attempts"]) == ("uncertain", "held", 0)
    await scene.database.forward(posting.UNCERTAIN_ESCALATION_DELAY)
    await post_search.ask_admins(scene.posting_worker())
    await notice_delivery.deliver(scene.outbox_worker())
    texts = [m["text"] for m in await scene.messages("group") if m["text"]]
    assert any(f"#{target_id}" in words for words in texts)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"text": "Sorry", "reply_markup": KEYBOARD}, id="same button"),
        pytest.param({"text": "Sorry"}, id="no button"),
        pytest.param({"text": AD, "entities": BOLD}, id="same text, no button"),
        pytest.param({"text": AD, "entities": BOLD, "reply_markup": OTHER_LINK}, id="other link"),
        pytest.param({"text": AD, "entities": ITALIC, "reply_markup": KEYBOARD}, id="entities"),
        pytest.param({"text": AD, "reply_markup": KEYBOARD}, id="no entities"),
    ],
)
async def test_another_message_of_the_bot_is_not_the_ad(
    scene: Scene, other: dict[str, Any]
) -> None:
    await make_message_id_known(scene)
    await use_ad(scene, TEXT_AD)
    target_id = await uncertain(scene, "refuse_before")
    message_id = await write_as_bot(scene, **other)
    before = await shown(scene, message_id)
    await search(scene, times=2)
    await require_unresolved(scene, target_id)
    assert await shown(scene, message_id) == before


async def test_another_message_with_the_same_buttons_is_not_an_ad_without_buttons(
    scene: Scene,
) -> None:
    await make_message_id_known(scene)
    target_id = await uncertain(scene, "refuse_before")
    await write_as_bot(scene, text="Something went wrong")
    await search(scene, times=2)
    await require_unresolved(scene, target_id)


async def test_the_ad_is_found_above_another_message_of_the_bot(scene: Scene) -> None:
    await make_message_id_known(scene)
    await use_ad(scene, TEXT_AD)
    await write_as_bot(scene, text="Something went wrong")
    await write_as_bot(scene, text=AD, entities=BOLD, reply_markup=OTHER_LINK)
    target_id = await uncertain(scene)
    group = len(await scene.messages("group"))
    await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("success", "released")
    assert job["message_id"] == (await scene.published())[-1]["message_id"]
    assert len(await scene.messages("group")) == group  # the copies are deleted


async def alter_button(scene: Scene, message_id: int) -> None:
    """Remove the button of the ad."""
    await scene.world.call(
        "editMessageReplyMarkup", chat_id=scene.world.ids["channel"], message_id=message_id
    )


async def alter_text(scene: Scene, message_id: int) -> None:
    """Let the owner replace the text of the ad."""
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/edit",
        user_id=scene.world.ids["owner"],
        message_id=message_id,
        text="My own words",
    )


@pytest.mark.parametrize("alter", [alter_button, alter_text])
async def test_an_altered_ad_is_neither_found_nor_sent_again(
    scene: Scene, alter: Callable[[Scene, int], Awaitable[None]]
) -> None:
    await make_message_id_known(scene)
    await use_ad(scene, TEXT_AD)
    target_id = await uncertain(scene)
    [message] = await scene.published()
    await alter(scene, message["message_id"])
    before = await shown(scene, message["message_id"])
    await search(scene, times=2)
    await require_unresolved(scene, target_id)
    assert await shown(scene, message["message_id"]) == before
    assert len(await scene.published()) == 1


@pytest.mark.parametrize("caption", ["", "Our bread"])
async def test_a_photo_is_found_by_its_file(scene: Scene, caption: str) -> None:
    await make_message_id_known(scene)
    [other] = (await scene.world.say("", photo=True))["photo"]
    await make_photo_ad(scene, caption)
    await write_as_bot(scene, photo=other["file_id"], caption=caption)
    target_id = await uncertain_photo(scene, "cut_after")
    await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("success", "released")
    assert job["message_id"] == (await scene.published())[-1]["message_id"]


@pytest.mark.parametrize("kind", ["document", "text"])
async def test_a_document_and_a_text_with_a_link_preview_are_found(scene: Scene, kind: str) -> None:
    await make_message_id_known(scene)
    file = (await scene.world.say("", document=True))["document"]
    names = ("file_id", "file_unique_id")
    ads = {
        "document": Creative("document", "Bread", **{name: file[name] for name in names}),
        "text": Creative("text", "https://example.com", link_preview={"size": "large"}),
    }
    await use_ad(scene, ads[kind])
    target_id = await scene.approve()
    await scene.fault("sendDocument" if kind == "document" else "sendMessage", "cut_after")
    await scene.dispatch(seconds=1)
    assert (await scene.job(target_id))["status"] == "uncertain"
    await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("success", "released")
    assert job["message_id"] == (await scene.published())[-1]["message_id"]


async def uncertain_photo(scene: Scene, kind: str) -> int:
    """Make the post of a photo uncertain, and return the placement's id."""
    target_id = await scene.approve()
    await scene.fault("sendPhoto", kind)
    await scene.dispatch(seconds=1)
    assert (await scene.job(target_id))["status"] == "uncertain"
    return target_id


async def test_another_photo_with_the_same_caption_is_not_the_ad(scene: Scene) -> None:
    await make_message_id_known(scene)
    [other] = (await scene.world.say("", photo=True))["photo"]
    await make_photo_ad(scene, "Our bread")
    target_id = await uncertain_photo(scene, "refuse_before")
    await write_as_bot(scene, photo=other["file_id"], caption="Our bread")
    await search(scene, times=2)
    await require_unresolved(scene, target_id)


async def test_a_photo_without_a_stored_identity_is_not_proven(scene: Scene) -> None:
    await make_message_id_known(scene)
    ad = await make_photo_ad(scene, "Our bread")
    await scene.database.as_owner(breakage.UNFROZEN)
    await scene.database.as_owner("UPDATE campaigns SET creative = creative - 'file_unique_id'")
    assert ad.file_unique_id
    target_id = await uncertain_photo(scene, "cut_after")
    await search(scene, times=2)
    await require_unresolved(scene, target_id)


@pytest.mark.parametrize("may_edit_others", [False, True])
async def test_a_post_that_cannot_be_forwarded_is_not_proven(
    scene: Scene, *, may_edit_others: bool
) -> None:
    await scene.world.promote(can_post_messages=True, can_edit_messages=may_edit_others)
    scene.world.state.chats[scene.world.ids["channel"]].protected = True
    await make_message_id_known(scene)
    target_id = await uncertain(scene)
    await search(scene, times=2)
    await require_unresolved(scene, target_id)
    assert len(await scene.published()) == 1


async def test_a_failed_forward_proves_nothing(scene: Scene) -> None:
    await make_message_id_known(scene)
    target_id = await uncertain(scene)
    await scene.fault("forwardMessage", "error", error_code=500, description="x", times=99)
    await search(scene, times=2)
    await require_unresolved(scene, target_id)


async def test_an_absent_post_is_sent_again_in_a_protected_channel(scene: Scene) -> None:
    scene.world.state.chats[scene.world.ids["channel"]].protected = True
    await make_message_id_known(scene)
    target_id = await uncertain(scene, "refuse_before")
    await write_by_hand(scene)
    await search(scene, times=2)
    assert (await scene.job(target_id))["status"] == "queued"


async def test_the_post_of_another_job_is_not_probed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a search skips a message that is another placement's post."""
    first = await scene.approve()
    await scene.dispatch()
    recorded = (await scene.job(first))["message_id"]
    target_id = await uncertain(scene, "refuse_before")
    await scene.database.as_owner("UPDATE post_jobs SET known_message_id = 0")
    worker, probed = scene.posting_worker(), []
    probe = worker.sender.probe

    async def remember(chat_id: int, message_id: int) -> Probe:
        probed.append(message_id)
        return await probe(chat_id, message_id)

    monkeypatch.setattr(worker.sender, "probe", remember)
    await post_search.search_due_posts(Search(worker, GAP, scene.world.ids["group"]))
    assert probed
    assert recorded not in probed
    assert (await scene.job(target_id))["status"] == "uncertain"
