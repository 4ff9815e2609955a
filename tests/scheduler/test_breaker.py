"""Test the breaker, which stops all sends while Telegram is down."""

import pytest

from bot.telegram.send_outcomes import NotSent, Refused, SendOutcome, Sent, Uncertain
from bot.telegram.sender import Sender
from scheduler import breaker
from scheduler.breaker import FAILURE_THRESHOLD, Breaker
from tests.scheduler.scene import Scene

NOWHERE = "http://127.0.0.1:1"
DOWN = NotSent("ClientConnectorError", counts=True)


def after(*outcomes: SendOutcome) -> bool:
    """Return True if the breaker stops sends after these outcomes."""
    tried = Breaker()
    for outcome in outcomes:
        tried.record(outcome)
    return tried.open


@pytest.mark.parametrize("failure", [DOWN, Uncertain("TimeoutError")])
def test_failures_in_a_row_open_the_breaker(failure: SendOutcome) -> None:
    assert not after(*[failure] * (FAILURE_THRESHOLD - 1))
    assert after(*[failure] * FAILURE_THRESHOLD)


@pytest.mark.parametrize(
    "answer",
    [Sent(1), Refused("400: no", rights_lost=False), NotSent("401", counts=True, stop_all=True)],
)
def test_any_readable_answer_resets_the_failures(answer: SendOutcome) -> None:
    assert not after(*[DOWN] * (FAILURE_THRESHOLD - 1), answer, DOWN)


def test_outcomes_that_say_nothing_about_telegram_change_nothing() -> None:
    spared = NotSent("stopped before sending", counts=False)
    assert not after(*[spared] * (2 * FAILURE_THRESHOLD))
    assert after(*[DOWN] * (FAILURE_THRESHOLD - 1), spared, DOWN)


async def test_the_breaker_closes_step_by_step_when_telegram_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "REACHABLE_CHECK_SECONDS", 0.0)
    here = scene.posting_worker().sender
    nowhere: Sender = scene.posting_worker(api_url=NOWHERE).sender
    tried = Breaker()
    for _ in range(FAILURE_THRESHOLD):
        tried.record(DOWN)
    assert not await tried.allows_sending(nowhere)
    assert await tried.allows_sending(here)
    closed = not tried.open
    assert closed
    tried.record(DOWN)
    assert tried.open
    assert await scene.published() == []


async def test_an_open_breaker_probes_telegram_rarely(scene: Scene) -> None:
    tried = Breaker()
    for _ in range(FAILURE_THRESHOLD):
        tried.record(DOWN)
    assert not await tried.allows_sending(scene.posting_worker().sender)


async def notices(scene: Scene) -> list[str]:
    """Return the kinds of the notices about an outage, oldest first."""
    rows = await scene.rows("SELECT kind FROM outbox WHERE kind LIKE 'telegram_%' ORDER BY id")
    return [row["kind"] for row in rows]


async def test_many_processes_notify_the_admin_chat_once(scene: Scene) -> None:
    here, sessions = scene.posting_worker().sender, scene.database.sessions
    breakers = [Breaker(), Breaker()]
    for tried in breakers:
        await tried.announce(sessions, here)
    assert await notices(scene) == []
    for _ in range(2):
        for tried in breakers:
            for _ in range(FAILURE_THRESHOLD):
                tried.record(DOWN)
            await tried.announce(sessions, here)
    assert await notices(scene) == ["telegram_down"]
    for tried in breakers:
        tried.record(Sent(1))
        await tried.announce(sessions, here)
    assert await notices(scene) == ["telegram_down", "telegram_back"]


async def test_a_new_process_does_not_end_an_outage_without_a_probe(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "REACHABLE_CHECK_SECONDS", 0.0)
    here, sessions = scene.posting_worker().sender, scene.database.sessions
    nowhere = scene.posting_worker(api_url=NOWHERE).sender
    old_process = Breaker()
    for _ in range(FAILURE_THRESHOLD):
        old_process.record(DOWN)
    await old_process.announce(sessions, nowhere)
    new_process = Breaker()
    await new_process.announce(sessions, nowhere)
    assert await notices(scene) == ["telegram_down"]
    await new_process.announce(sessions, here)
    assert await notices(scene) == ["telegram_down", "telegram_back"]


async def test_the_end_of_an_outage_is_told_without_a_due_post(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "REACHABLE_CHECK_SECONDS", 0.0)
    worker = scene.posting_worker()
    for _ in range(FAILURE_THRESHOLD):
        worker.breaker.record(DOWN)
    await worker.breaker.announce(worker.sessions, scene.posting_worker(api_url=NOWHERE).sender)
    assert await notices(scene) == ["telegram_down"]
    await scene.dispatch(worker)
    assert await notices(scene) == ["telegram_down", "telegram_back"]
    # A process that starts during an outage notices the end too.
    for _ in range(FAILURE_THRESHOLD):
        worker.breaker.record(DOWN)
    await worker.breaker.announce(worker.sessions, worker.sender)
    await scene.dispatch(scene.posting_worker())
    assert (await notices(scene))[2:] == ["telegram_down", "telegram_back"]
