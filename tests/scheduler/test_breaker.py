"""The breaker: sending stops by itself while Telegram is down."""

import pytest

from bot.telegram.sender import NotSent, Refused, Sender, SendOutcome, Sent, Uncertain
from scheduler import breaker
from scheduler.breaker import FAILURES, Breaker
from tests.scheduler.scene import Scene

DOWN = NotSent("ClientConnectorError", counts=True)


def after(*outcomes: SendOutcome) -> bool:
    """Whether it is open after these."""
    tried = Breaker()
    for outcome in outcomes:
        tried.record(outcome)
    return tried.open


@pytest.mark.parametrize("failure", [DOWN, Uncertain("TimeoutError")])
def test_failures_in_a_row_open_it(failure: SendOutcome) -> None:
    assert not after(*[failure] * (FAILURES - 1))
    assert after(*[failure] * FAILURES)


@pytest.mark.parametrize(
    "answer",
    [Sent(1), Refused("400: no", rights_lost=False), NotSent("401", counts=True, stop_all=True)],
)
def test_any_readable_answer_closes_it(answer: SendOutcome) -> None:
    assert not after(*[DOWN] * (FAILURES - 1), answer, DOWN)


def test_what_says_nothing_about_telegram_changes_nothing() -> None:
    spared = NotSent("stopped before sending", counts=False)
    assert not after(*[spared] * (2 * FAILURES))
    assert after(*[DOWN] * (FAILURES - 1), spared, DOWN)


async def test_it_asks_whether_telegram_is_back_and_trusts_it_slowly(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "ASK_SECONDS", 0.0)
    here = scene.desk().sender
    nowhere: Sender = scene.desk(api_url="http://127.0.0.1:1").sender
    tried = Breaker()
    for _ in range(FAILURES):
        tried.record(DOWN)
    assert not await tried.lets_through(nowhere)
    assert await tried.lets_through(here)
    closed = not tried.open
    assert closed
    tried.record(DOWN)
    assert tried.open
    assert await scene.published() == []


async def test_while_open_it_asks_only_now_and_then(scene: Scene) -> None:
    tried = Breaker()
    for _ in range(FAILURES):
        tried.record(DOWN)
    assert not await tried.lets_through(scene.desk().sender)


async def told(scene: Scene) -> list[str]:
    """What the admin chat is owed about Telegram, in order."""
    rows = await scene.rows("SELECT kind FROM outbox WHERE kind LIKE 'telegram_%' ORDER BY id")
    return [row["kind"] for row in rows]


async def test_the_admin_chat_is_told_once_by_however_many(scene: Scene) -> None:
    here, sessions = scene.desk().sender, scene.database.sessions
    breakers = [Breaker(), Breaker()]
    for tried in breakers:
        await tried.announce(sessions, here)
    assert await told(scene) == []
    for _ in range(2):
        for tried in breakers:
            for _ in range(FAILURES):
                tried.record(DOWN)
            await tried.announce(sessions, here)
    assert await told(scene) == ["telegram_down"]
    for tried in breakers:
        tried.record(Sent(1))
        await tried.announce(sessions, here)
    assert await told(scene) == ["telegram_down", "telegram_back"]


async def test_a_new_process_does_not_call_an_outage_over_that_it_has_not_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "ASK_SECONDS", 0.0)
    here, sessions = scene.desk().sender, scene.database.sessions
    nowhere = scene.desk(api_url="http://127.0.0.1:1").sender
    gone = Breaker()
    for _ in range(FAILURES):
        gone.record(DOWN)
    await gone.announce(sessions, nowhere)
    heir = Breaker()
    await heir.announce(sessions, nowhere)
    assert await told(scene) == ["telegram_down"]
    await heir.announce(sessions, here)
    assert await told(scene) == ["telegram_down", "telegram_back"]
