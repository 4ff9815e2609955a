"""Test the summary of the notices that a person has missed, from the block to the return."""

from typing import Any

from aiogram.types import InlineKeyboardButton
from sqlalchemy import select

from bot.callbacks import BESIDE, FormName, Go, OnPlacement, OpenForm, PlacementAct, Screen
from bot.owner_callbacks import AcceptChange, ChangeForm, OfferAct, OnOffer, OpenChangeForm
from bot.screens.outgoing import Outgoing, button, keep_notice, receipt_button, rows
from db.models.operations import OutboxMessage
from scheduler import missed_notices, notice_delivery, notices
from services.platform import missed_notices as missed
from services.platform import outbox
from tests.scheduler.scene import Scene


async def _owe(scene: Scene, kind: str, **payload: Any) -> None:
    async with scene.database.sessions.begin() as session:
        await outbox.add(session, user_id=scene.id_of("advertiser"), kind=kind, payload=payload)


async def _return(scene: Scene) -> list[dict[str, Any]]:
    """Queue and deliver the summary, and return the new messages of the chat."""
    before = len(await scene.messages("advertiser"))
    async with scene.database.sessions.begin() as session:
        await missed.queue_summary(session, scene.id_of("advertiser"))
    await notice_delivery.deliver(scene.outbox_worker())
    return (await scene.messages("advertiser"))[before:]


async def _block(scene: Scene, status: str) -> None:
    chat = scene.world.ids["advertiser"]
    await scene.world.control(f"chats/{chat}/members", user_id="bot", status=status)


async def test_one_summary_names_what_was_missed_money_first(scene: Scene) -> None:
    target_id = await scene.approve()
    await notice_delivery.deliver(scene.outbox_worker())
    await _block(scene, "kicked")
    await _owe(scene, "post_published", target_id=target_id, message_id=5, to="advertiser")
    await _owe(scene, "deposit_credited", amount=700)
    await _owe(scene, "deposit_credited")  # without its amount, it cannot be shown
    await notice_delivery.deliver(scene.outbox_worker())
    await scene.database.as_owner(
        "UPDATE outbox SET status = 'failed', missed_at = clock()"
        " WHERE kind = 'deposit_credited' AND payload = '{}'"
    )
    await _block(scene, "member")
    [summary] = await _return(scene)
    lines = summary["text"].split("\n\n")
    assert lines[0] == "📬 While you were away"
    assert lines[1].startswith("1. ")
    assert "$7.00" in lines[1]
    assert "2. 🟢 Your ad is published" in lines[2]
    assert lines[3].startswith("… and 1 more notice.")
    buttons = [
        (button["text"], button.get("callback_data", ""))
        for row in summary["buttons"]
        for button in row
    ]
    assert [words.partition(" ")[0] for words, _ in buttons][:2] == ["1.", "2."]
    assert all(data.startswith(BESIDE) or not data for _, data in buttons)
    assert await _return(scene) == []


async def test_a_long_summary_is_bounded(scene: Scene) -> None:
    for number in range(missed_notices.SHOWN + 5):
        await _owe(scene, "deposit_credited", amount=100 * (number + 1))
    await scene.database.as_owner("UPDATE outbox SET status = 'failed', missed_at = clock()")
    [summary] = await _return(scene)
    assert f"{missed_notices.SHOWN}. " in summary["text"]
    assert "… and 5 more notices." in summary["text"]


def test_a_press_on_a_notice_that_leads_away_keeps_the_notice() -> None:
    away = [
        Go(screen=Screen.WALLET),
        OpenForm(name=FormName.TOP_UP),
        OpenChangeForm(name=ChangeForm.EDIT, id=1, version=1),
        OnPlacement(act=PlacementAct.WITHDRAW, id=1),
        AcceptChange(id=1, version=1, request_id=1),
    ]
    answer = OnOffer(act=OfferAct.ACCEPT, id=1)
    link = InlineKeyboardButton(text="post", url="https://t.me/c/1/1")
    notice = Outgoing(
        "something happened",
        rows(
            [button("away", each) for each in away],
            [button("yes", answer), receipt_button("beside", away[0]), link],
        ),
    )
    kept = keep_notice(notice)
    assert kept.inline is not None
    led, others = kept.inline.inline_keyboard
    assert [each.callback_data for each in led] == [BESIDE + each.pack() for each in away]
    assert [each.callback_data for each in others] == [
        answer.pack(),
        BESIDE + away[0].pack(),
        None,
    ]
    assert keep_notice(Outgoing("no button")).keyboard is None


async def test_a_notice_to_a_person_stays_and_a_card_of_the_staff_is_edited(scene: Scene) -> None:
    target_id = await scene.approve()
    async with scene.database.sessions.begin() as session:
        for user_id in (scene.id_of("advertiser"), None):
            await outbox.add(
                session, user_id=user_id, kind="change_asked", payload={"target_id": target_id}
            )
        rendered = {}
        for row in (await session.scalars(select(OutboxMessage))).all():
            if row.kind == "change_asked":
                cards = await notices.read(session, [row])
                screen = await notices.render(session, row, "en", "USD", cards=cards)
                assert screen.inline is not None
                rendered[row.user_id] = screen.inline.inline_keyboard[-1][0].callback_data or ""
    assert rendered[scene.id_of("advertiser")].startswith(BESIDE)
    assert not rendered[None].startswith(BESIDE)
