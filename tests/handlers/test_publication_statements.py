"""Test how two admins state that an uncertain post is in its channel."""

import json

import pytest

from db.models.operations import Switch
from db.models.users import Role
from services.market.creatives import Creative
from tests.factories import albums, breakage
from tests.handlers.marketplace import AD, Marketplace
from tests.handlers.uncertain_post import MOVED_ON, job, publish, target

AGREE = "✅ I have looked: it is this ad"
SURE = "✅ Yes, it is this ad"


@pytest.fixture
async def with_second_admin(with_uncertain_post: Marketplace) -> Marketplace:
    """Return a bot with two admins, and an uncertain post that cannot be forwarded."""
    market = with_uncertain_post
    await market.hire_newcomer("second", Role.ADMIN)
    market.world.state.chats[market.chat("channel")].protected = True
    return market


async def shown(market: Marketplace, message_id: int) -> str:
    """Return the text of a message of the channel."""
    [found] = [m for m in await market.messages("channel") if m["message_id"] == message_id]
    return str(found["text"])


async def test_an_edit_that_changes_nothing_proves_a_post_that_cannot_be_forwarded(
    with_second_admin: Marketplace,
) -> None:
    market = with_second_admin
    message_id = await publish(market)
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    assert "✅ It is published" in await market.last("group")
    assert await job(market) == ("success", "held")


@pytest.mark.parametrize("kind", ["photo", "document", "animation"])
@pytest.mark.parametrize("same", [True, False])
async def test_an_edit_also_compares_the_media(
    with_second_admin: Marketplace, kind: str, *, same: bool
) -> None:
    market = with_second_admin
    files = []
    for _ in range(2):
        chat = {"chat_id": market.chat("advertiser"), kind: True}
        sent = (await market.world.control(f"users/{chat['chat_id']}/send", **chat))[kind]
        files.append((sent[-1] if kind == "photo" else sent)["file_id"])
    ad = Creative(kind, "Our bread", file_id=files[0])
    await market.database.as_owner(breakage.UNFROZEN)
    await market.database.as_owner(
        "UPDATE campaigns SET creative = $1::text::jsonb", json.dumps(ad.as_json())
    )
    posted = await market.world.call(
        f"send{kind.title()}",
        chat_id=market.chat("channel"),
        caption="Our bread",
        **{kind: files[0 if same else 1]},
    )
    there = f"/there {await target(market)} {posted['message_id']}"
    await market.say("admin", there, where="group")
    assert await job(market) == ("success" if same else "uncertain", "held")


@pytest.mark.parametrize("rights", [{}, {"can_edit_messages": True}])
@pytest.mark.parametrize("posting", [True, False])
@pytest.mark.usefixtures("with_own_login")
async def test_two_admins_record_a_post_that_nothing_can_prove(
    with_second_admin: Marketplace, rights: dict[str, bool], *, posting: bool
) -> None:
    market = with_second_admin
    await market.world.promote(can_post_messages=True, **rights)
    await market.settle()
    await market.set_switch(Switch.TELEGRAM_POSTING, enabled=posting)
    message_id = await publish(market, "Altered words")
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    assert "Another admin has to look" in await market.last("group")
    # Only the bot's own message is restored, and only while the bot may post.
    expected = AD if posting and not rights else "Altered words"
    assert await shown(market, message_id) == expected
    await market.press("admin", AGREE, where="group")
    await market.press("admin", SURE, where="group")
    assert await job(market) == ("uncertain", "held")
    await market.press("second", AGREE, where="group")
    assert "its promised hours begin" in await market.last("group")
    assert await job(market) == ("uncertain", "held")
    await market.press("second", SURE, where="group")
    assert "✅ It is published" in await market.last("group")
    assert await job(market) == ("success", "held")
    assert await market.value("SELECT message_id FROM post_jobs") == message_id
    stated = await market.rows("SELECT DISTINCT stated_by FROM publication_statements")
    assert len(stated) == 2


async def test_an_altered_post_is_recorded_by_two_admins(with_second_admin: Marketplace) -> None:
    market = with_second_admin
    market.world.state.chats[market.chat("channel")].protected = False
    message_id = await publish(market, "Altered words")
    there = f"/there {await target(market)} {message_id}"
    await market.say("admin", there, where="group")
    assert await job(market) == ("uncertain", "held")
    assert await shown(market, message_id) == "Altered words"
    await market.say("second", there, where="group")
    assert await job(market) == ("success", "held")


async def test_a_persons_post_is_not_recorded(with_second_admin: Marketplace) -> None:
    market = with_second_admin
    market.world.state.chats[market.chat("channel")].protected = False
    await market.world.promote(can_post_messages=True, can_edit_messages=True)
    posted = await market.world.control(
        f"chats/{market.chat('channel')}/post", user_id=market.chat("owner"), text="News"
    )
    await market.settle()
    for admin in ("admin", "second"):
        there = f"/there {await target(market)} {posted['message_id']}"
        await market.say(admin, there, where="group")
        assert "What is at that link is not this ad" in await market.last("group")
    assert await job(market) == ("uncertain", "held")
    assert await shown(market, posted["message_id"]) == "News"


@pytest.mark.parametrize(
    "outdate",
    [
        (
            "ALTER TABLE user_roles DISABLE TRIGGER requested;"
            " DELETE FROM user_roles"
            " WHERE user_id = (SELECT stated_by FROM publication_statements);"
            " ALTER TABLE user_roles ENABLE TRIGGER requested"
        ),
        (
            "ALTER TABLE users DISABLE TRIGGER requested;"
            " UPDATE users SET blocked = true"
            " WHERE id = (SELECT stated_by FROM publication_statements);"
            " ALTER TABLE users ENABLE TRIGGER requested"
        ),
        "UPDATE publication_statements SET created_at = created_at - interval '73 hours'",
        "UPDATE publication_statements SET claim_no = claim_no + 1",
        "UPDATE publication_statements SET message_id = message_id + 1",
    ],
)
async def test_an_old_statement_or_one_of_no_admin_does_not_count(
    with_second_admin: Marketplace, outdate: str
) -> None:
    market = with_second_admin
    await market.world.promote(can_post_messages=True, can_edit_messages=True)
    await market.settle()
    message_id = await publish(market)
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    for statement in outdate.split(";"):
        await market.database.as_owner(statement)
    await market.press("second", AGREE, where="group")
    await market.press("second", SURE, where="group")
    assert await job(market) == ("uncertain", "held")
    assert "Another admin has to look" in await market.last("group")


async def test_an_old_question_to_a_second_admin_decides_nothing(
    with_second_admin: Marketplace,
) -> None:
    market = with_second_admin
    await market.world.promote(can_post_messages=True, can_edit_messages=True)
    await market.settle()
    message_id = await publish(market)
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    question = (await market.messages("group"))[-1]["message_id"]
    await market.database.as_owner("UPDATE post_jobs SET claim_no = 2")
    before = await market.everything()
    alert = await market.press("second", AGREE, where="group", message_id=question)
    assert alert == MOVED_ON
    assert await market.everything() == before


async def use_album(market: Marketplace) -> Creative:
    """Give the uncertain placement an album, and return it."""
    album = await albums.album(market.world, "photo", "photo")
    await market.settle()
    await market.database.as_owner(breakage.UNFROZEN)
    await market.database.as_owner(
        "UPDATE campaigns SET creative = $1::text::jsonb", json.dumps(album.as_json())
    )
    return album


async def publish_album(market: Marketplace, album: Creative) -> list[int]:
    """Let the bot send an album to the channel, and return the ids of its messages."""
    media = [
        {"type": item.kind, "media": item.file_id, "caption": item.text} for item in album.items
    ]
    sent = await market.world.call("sendMediaGroup", chat_id=market.chat("channel"), media=media)
    return [each["message_id"] for each in sent]


@pytest.mark.parametrize("gone", [None, 0, 1])
async def test_an_album_is_stated_with_its_first_message_and_needs_all(
    with_second_admin: Marketplace, gone: int | None
) -> None:
    market = with_second_admin
    album = await use_album(market)
    ids = await publish_album(market, album)
    if gone is not None:
        await market.world.call(
            "deleteMessage", chat_id=market.chat("channel"), message_id=ids[gone]
        )
    await market.say("admin", f"/there {await target(market)} {ids[0]}", where="group")
    assert await job(market) == ("uncertain" if gone is not None else "success", "held")
    [row] = await market.rows("SELECT message_id, other_message_ids FROM post_jobs")
    if gone is None:
        assert [row["message_id"], *row["other_message_ids"]] == ids


async def test_two_admins_state_an_album_that_nothing_can_prove(
    with_second_admin: Marketplace,
) -> None:
    market = with_second_admin
    album = await use_album(market)
    ids = await publish_album(market, album)
    await market.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    await market.say("admin", f"/there {await target(market)} {ids[0]}", where="group")
    assert await job(market) == ("uncertain", "held")
    await market.press("second", AGREE, where="group")
    await market.press("second", SURE, where="group")
    [row] = await market.rows("SELECT status, message_id, other_message_ids FROM post_jobs")
    assert (row["status"], [row["message_id"], *row["other_message_ids"]]) == ("success", ids)
