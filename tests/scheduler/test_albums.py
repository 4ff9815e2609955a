"""Test that an album is published once, checked, searched and taken down as a whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asyncpg import CheckViolationError
from sqlalchemy.exc import DBAPIError, IntegrityError

from db.models.complaints import ComplaintKind
from scheduler import notice_delivery, post_search
from services.market import campaigns, complaints
from services.market.creatives import Creative
from services.platform.complaint_errors import RepublicationRefused
from services.posts import check_times, posting, verification
from tests.factories import albums, breakage, one_post
from tests.factories.albums import CAPTION
from tests.scheduler.scene import Row, Scene
from tests.scheduler.test_post_checks import check_posts, verdicts
from tests.scheduler.test_post_search import make_message_id_known, search, write_by_hand

pytestmark = pytest.mark.mostly_waits

HOURS = 2
KINDS = ("photo", "video", "photo")


@pytest.fixture(autouse=True)
def _few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_search, "EMPTY_IDS_AT_END", 3)


async def use_album(scene: Scene, *kinds: str) -> Creative:
    """Create a campaign with an album, and return the album."""
    album = await albums.album(scene.world, *(kinds or KINDS))
    await use(scene, album)
    return album


async def use(scene: Scene, ad: Creative) -> None:
    """Create a campaign with this ad."""
    async with scene.database.sessions.begin() as session:
        bought = await campaigns.create(
            session,
            actor=scene.actors["advertiser"],
            name="Bakery",
            creative=ad,
            total_budget=100_000,
        )
        await campaigns.activate(session, actor=scene.actors["advertiser"], campaign_id=bought.id)
        scene.campaign_id = bought.id


async def ids(scene: Scene) -> list[int]:
    """Return the ids that the only post job has recorded."""
    [job] = await scene.rows("SELECT message_id, other_message_ids FROM post_jobs")
    return [job["message_id"], *job["other_message_ids"]]


async def published_ids(scene: Scene) -> list[int]:
    """Return the ids of everything that the bot has ever published."""
    return [each["message_id"] for each in await scene.published()]


async def shown(scene: Scene) -> list[Row]:
    """Return the messages with files that are in the channel now."""
    return [each for each in await scene.messages("channel") if each["media"]]


async def act(scene: Scene, what: str, message_id: int, **more: Any) -> None:
    """Let the owner change one message of the channel."""
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/{what}",
        user_id=scene.world.ids["owner"],
        message_id=message_id,
        **more,
    )


async def posted(scene: Scene, *kinds: str) -> tuple[int, list[int]]:
    """Publish an album. Return the placement's id and the ids of the messages."""
    await use_album(scene, *kinds)
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    return target_id, await ids(scene)


async def uncertain(scene: Scene, kind: str = "cut_after", **more: object) -> int:
    """Make an album uncertain through a fault, and return the placement's id."""
    await make_message_id_known(scene)
    await use_album(scene)
    target_id = await scene.approve()
    await scene.fault("sendMediaGroup", kind, **more)
    await scene.dispatch(seconds=1)
    assert (await scene.job(target_id))["status"] == "uncertain"
    return target_id


async def test_an_album_is_published_with_one_call_and_all_ids_are_recorded(scene: Scene) -> None:
    target_id, recorded = await posted(scene)
    assert recorded == await published_ids(scene)
    assert [each["media"] for each in await shown(scene)] == list(KINDS)
    assert len({each["media_group_id"] for each in await shown(scene)}) == 1
    assert (await scene.job(target_id))["message_id"] == recorded[0]
    [channel] = await scene.rows("SELECT last_message_id FROM channels")
    assert channel["last_message_id"] == recorded[-1]


@pytest.mark.parametrize("kinds", [("document", "document"), ("photo",) * 10])
async def test_albums_of_other_kinds_and_of_ten_items_are_kept(
    scene: Scene, kinds: Sequence[str]
) -> None:
    target_id, recorded = await posted(scene, *kinds)
    assert len(recorded) == len(kinds)
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    await check_posts(scene)
    assert await verdicts(scene) == ["present"]
    assert (await scene.job(target_id))["target"] == "posted"


@pytest.mark.parametrize("kind", ["cut_after", "timeout_after", "error_after", "garbage"])
async def test_an_uncertain_album_is_found_whole(scene: Scene, kind: str) -> None:
    target_id = await uncertain(scene, kind)
    await write_by_hand(scene)
    group = len(await scene.messages("group"))
    await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("success", "released")
    assert await ids(scene) == await published_ids(scene)
    assert len(await shown(scene)) == len(KINDS)
    assert len(await scene.messages("group")) == group, "the copies are deleted"


async def test_an_absent_album_is_sent_after_two_searches(scene: Scene) -> None:
    target_id = await uncertain(scene, "refuse_before")
    await search(scene, times=2)
    assert (await scene.job(target_id))["status"] == "queued"
    await scene.dispatch()
    assert (await scene.job(target_id))["status"] == "success"
    assert len(await published_ids(scene)) == len(KINDS)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("may_edit", [True, False])
async def test_a_part_of_an_album_is_neither_present_nor_absent(
    scene: Scene, place: int, *, may_edit: bool
) -> None:
    target_id = await uncertain(scene)
    await act(scene, "delete", (await published_ids(scene))[place])
    await scene.world.promote(can_post_messages=True, can_edit_messages=may_edit)
    await search(scene, times=2)
    await scene.dispatch()
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")
    assert len(await published_ids(scene)) == len(KINDS), "nothing is sent again"
    await scene.database.forward(posting.UNCERTAIN_ESCALATION_DELAY)
    await post_search.ask_admins(scene.posting_worker())
    await notice_delivery.deliver(scene.outbox_worker())
    *_, first, second, third, card = await scene.messages("group")
    assert [each["media"] for each in (first, second, third)] == list(KINDS)
    assert first["caption"] == CAPTION
    assert f"#{target_id}" in card["text"]
    assert card["buttons"]


async def test_an_album_in_another_order_is_not_the_searched_one(scene: Scene) -> None:
    await make_message_id_known(scene)
    album = await use_album(scene)
    target_id = await scene.approve()
    await scene.fault("sendMediaGroup", "refuse_before")
    await scene.dispatch(seconds=1)
    media = [{"type": each.kind, "media": each.file_id} for each in reversed(album.items)]
    media[-1]["caption"] = CAPTION
    await scene.world.call("sendMediaGroup", chat_id=scene.world.ids["channel"], media=media)
    await search(scene, times=2)
    assert (await scene.job(target_id))["status"] == "uncertain"


async def test_an_answer_without_each_message_is_uncertain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_message_id_known(scene)
    await use_album(scene)
    target_id = await scene.approve()
    worker = scene.posting_worker()
    request = worker.sender._request

    async def cut(*arguments: Any) -> Any:
        response = await request(*arguments)
        if arguments[0].__api_method__ != "sendMediaGroup":
            return response
        answer = json.loads(response.body)
        return replace(
            response, body=json.dumps(answer | {"result": answer["result"][:2]}).encode()
        )

    monkeypatch.setattr(worker.sender, "_request", cut)
    await scene.dispatch(worker)
    assert (await scene.job(target_id))["status"] == "uncertain"
    await search(scene)
    assert await ids(scene) == await published_ids(scene)


@pytest.mark.parametrize(
    ("what", "more", "parts"),
    [
        ("edit", {"text": "Old bread"}, ["text"]),
        ("replace_media", {"kind": "photo"}, ["media"]),
    ],
)
async def test_an_altered_item_is_restored_and_told(
    scene: Scene, what: str, more: dict[str, Any], parts: list[str]
) -> None:
    target_id, recorded = await posted(scene)
    before = await shown(scene)
    await act(scene, what, recorded[0], **more)
    await scene.database.forward(check_times.SHORTEST_PART)
    await check_posts(scene)
    assert await verdicts(scene) == ["altered"]
    fields = ("media", "caption", "file_id", "media_group_id")
    now = await shown(scene)
    assert [[each.get(name) for name in fields] for each in now] == [
        [each.get(name) for name in fields] for each in before
    ]
    [told] = await scene.rows(
        "SELECT DISTINCT payload->'parts' AS parts FROM outbox WHERE kind = 'post_altered'"
    )
    assert told["parts"] == parts
    assert (await scene.job(target_id))["escrow"] == "held"
    await act(scene, "edit", recorded[2], text="A caption where none was")
    await scene.database.forward(timedelta(hours=1))
    await check_posts(scene)
    assert await verdicts(scene) == ["altered", "altered"]
    [job] = await scene.rows("SELECT breach FROM post_jobs")
    assert job["breach"] == "altered"


@pytest.mark.parametrize("place", [0, 2])
async def test_an_album_without_one_item_is_removed(scene: Scene, place: int) -> None:
    target_id, recorded = await posted(scene)
    await act(scene, "delete", recorded[place])
    await scene.database.forward(check_times.SHORTEST_PART)
    await check_posts(scene)
    assert await verdicts(scene) == ["gone"]
    assert (await scene.job(target_id))["status"] == "success", "one look proves nothing"
    await scene.database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    await check_posts(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["last_error"], job["escrow"]) == ("failed", "removed", "refunded")


async def test_an_album_without_one_item_is_never_published_again(scene: Scene) -> None:
    # The owner of another removed post may publish it again. Here, two messages are still there.
    target_id, recorded = await posted(scene)
    async with scene.database.sessions.begin() as session:
        complaint_id = await complaints.open_complaint(
            session,
            actor=scene.actors["advertiser"],
            target_id=target_id,
            kind=ComplaintKind.REMOVED,
        )
    await act(scene, "delete", recorded[1])
    await scene.database.forward(check_times.SHORTEST_PART)
    await check_posts(scene)
    await scene.database.as_owner(
        "ALTER TABLE post_checks DISABLE TRIGGER USER;"
        "INSERT INTO post_checks (post_job_id, verdict, evidence, checked_at)"
        " SELECT id, 'gone', 'x', clock() - interval '6 minutes' FROM post_jobs;"
        "ALTER TABLE post_checks ENABLE TRIGGER USER"
    )
    async with scene.database.sessions.begin() as session:
        owner = scene.actors["owner"]
        with pytest.raises(RepublicationRefused, match="not_gone"):
            await complaints.republish(session, actor=owner, complaint_id=complaint_id)
    await scene.database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    await check_posts(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["last_error"], job["escrow"]) == ("failed", "removed", "refunded")
    assert await scene.rows("SELECT outcome FROM complaints") == [{"outcome": "absorbed"}]
    assert await published_ids(scene) == recorded


async def test_links_in_the_captions_are_counted(scene: Scene) -> None:
    made = await albums.items(scene.world, "photo", "photo")
    linked = [{"type": "text_link", "offset": 0, "length": 5, "url": "https://bread.example/"}]
    ad = Creative("album", items=(made[0], replace(made[1], text="Order", entities=linked)))
    await use(scene, ad)
    await scene.database.as_owner("UPDATE campaigns SET link_base = 'https://go.example'")
    await scene.approve()
    await scene.dispatch()
    _, second = await shown(scene)
    [entity] = second["entities"]
    assert entity["url"].startswith("https://go.example/r/")
    [link] = await scene.rows("SELECT url, works_until FROM tracked_links")
    assert link["url"] == "https://bread.example/"
    assert link["works_until"] is not None


@pytest.mark.parametrize("others", [(), (9,), (9, 10, 11)])
async def test_the_database_refuses_a_part_of_an_album(
    scene: Scene, others: tuple[int, ...]
) -> None:
    await use_album(scene)
    await scene.approve()
    async with scene.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.may_send(session, claim)
    with pytest.raises(DBAPIError, match="one message for each item"):
        async with scene.database.sessions.begin() as session:
            await posting.record_published(session, [posting.PublishedPost(claim, 8, others)])


async def test_the_first_message_of_a_post_has_the_lowest_id(scene: Scene) -> None:
    await use_album(scene)
    await scene.approve()
    async with scene.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.may_send(session, claim)
    with pytest.raises(IntegrityError, match="ck_post_jobs_other_message_ids"):
        async with scene.database.sessions.begin() as session:
            await posting.record_published(session, [posting.PublishedPost(claim, 8, (9, 7))])


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"items": "photo"},
        {"text": "A text of its own"},
        {"button_url": "https://bread.example"},
        {"file_id": "1"},
        {"kind": "photo"},
        {"file_unique_id": None},
        {"kinds": ("photo", "document")},
        {"kinds": ("animation", "photo")},
        {"kinds": ("photo",)},
        {"kinds": ("photo",) * 11},
    ],
)
async def test_the_database_refuses_a_broken_album(scene: Scene, change: dict[str, Any]) -> None:
    album = (await use_album(scene, "photo", "photo")).as_json()
    first = album["items"][0]
    if "kinds" in change:
        album["items"] = [first | {"kind": kind} for kind in change["kinds"]]
    elif "file_unique_id" in change:
        album["items"] = [first, first | change]
    else:
        album |= change
    await scene.database.as_owner(breakage.UNFROZEN)
    with pytest.raises(CheckViolationError, match="ck_campaigns_album"):
        await scene.database.as_owner(
            "UPDATE campaigns SET creative = $1::text::jsonb", json.dumps(album)
        )
