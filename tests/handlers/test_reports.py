"""Test the command `/report` in the admin chat."""

import pytest

from bot.screens import reports as screens
from bot.texts import LANGUAGES, Texts
from db.models.users import Role
from services.platform import reports
from services.posts import posting
from tests.factories import people
from tests.handlers.marketplace import Marketplace


@pytest.fixture
async def operated(market: Marketplace) -> Marketplace:
    """Return a running bot in which "admin" is also an operator."""
    await market.employ("admin", Role.OPERATOR)
    return market


async def test_an_operator_reads_reports_by_buttons_and_by_name(operated: Marketplace) -> None:
    market = operated
    async with market.database.sessions.begin() as session:
        await people.approved(session)
    await market.say("admin", "/report", where="group")
    assert "Choose one" in await market.last("group")
    await market.press("admin", "Held escrows", where="group")
    shown = await market.last("group")
    assert "📊 Held escrows (held)" in shown
    assert "state: waits for its post" in shown
    assert f"amount: ${people.PRICE / 100:.2f}" in shown
    await market.press("admin", "🔄 Read again", where="group")
    await market.press("admin", "⬅️ Back", where="group")
    assert "Choose one" in await market.last("group")
    await market.press("admin", "Double escrows", where="group")
    assert "No rows." in await market.last("group")
    await market.say("admin", "/report counts", where="group")
    assert "• campaigns: 1 — placements: 1, escrows: 1, posts: 1" in await market.last("group")
    await market.say("admin", "/report week", where="group")
    assert "active: 1" in await market.last("group")
    await market.say("admin", "/report nonsense", where="group")
    assert "There is no report “nonsense”" in await market.last("group")


async def test_long_reports_have_pages(operated: Marketplace) -> None:
    market = operated
    async with market.database.sessions.begin() as session:
        for _ in range(5):
            await people.person(session, balance=100)
    await market.say("admin", "/report ledger", where="group")
    first = await market.last("group")
    assert first.count("correct: yes") == 8
    await market.press("admin", "Next ▶️", where="group")
    second = await market.last("group")
    assert second.count("correct: yes") >= 2
    assert not set(first.splitlines()[2:]) & set(second.splitlines()[2:])
    await market.press("admin", "◀️ Previous", where="group")
    assert await market.last("group") == first


@pytest.mark.parametrize(
    ("name", "caption"),
    [("revenue_by_day", "Revenue by day"), ("held_by_day", "Held money by day")],
)
async def test_a_report_about_days_has_a_picture(
    operated: Marketplace, name: str, caption: str
) -> None:
    market = operated
    async with market.database.sessions.begin() as session:
        await people.approved(session)
    await market.say("admin", f"/report {name}", where="group")
    await market.press("admin", "📈 Picture", where="group")
    photo = (await market.messages("group"))[-1]
    assert photo["media"], photo
    assert photo["caption"].startswith(f"📈 {caption}\nLargest: $")
    if name == "held_by_day":
        assert f"Last: ${people.PRICE / 100:.2f} on " in photo["caption"]


async def test_uncertain_posts_are_listed_with_their_cards(operated: Marketplace) -> None:
    market = operated
    await market.say("admin", "/report uncertain", where="group")
    assert "No rows." in await market.last("group")
    async with market.database.sessions.begin() as session:
        deal = await people.approved(session)
        claim = await people.claimed(session)
        assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await market.say("admin", "/report uncertain", where="group")
    shown = await market.last("group")
    assert f"• placement: {deal.target.id} — channel: " in shown
    assert "state: an admin has to decide" in shown
    await market.press("admin", f"❔ Placement {deal.target.id}", where="group")
    assert (await market.last("group")).startswith(f"❔ Placement #{deal.target.id}")
    assert "✅ It is there" in await market.buttons("group")


@pytest.mark.parametrize(("language", "word"), [("en", "Placement sub"), ("ru", "Размещение под")])
async def test_acts_are_shown_in_words(operated: Marketplace, language: str, word: str) -> None:
    market = operated
    await market.say("advertiser", "/start")
    await market.give("advertiser", 5_000)
    await market.submitted()
    await market.database.as_owner(
        "UPDATE users SET language = $1, language_chosen = true", language
    )
    await market.say("admin", "/report audit_recent", where="group")
    shown = (await market.last("group")).partition("\n")[2]
    assert word in shown
    assert "_" not in shown


async def test_only_operators_read_reports(market: Marketplace) -> None:
    await market.say("advertiser", "/report")
    assert "📊" not in await market.last("advertiser")
    await market.say("admin", "/report held", where="group")
    assert "📊" not in await market.last("group")
    denied = "SELECT metadata->>'refused' AS refused FROM user_audit_logs"
    rows = await market.rows(f"{denied} WHERE action = 'access_denied'")
    assert [row["refused"] for row in rows] == ["report", "report"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_report_has_a_name_and_wrong_rows_are_marked(language: str) -> None:
    t = Texts(language, "USD")
    keyboard = screens.menu(t).inline
    assert keyboard is not None
    named = [button.text for line in keyboard.inline_keyboard for button in line]
    assert len(set(named)) == len(reports.REPORTS)
    assert not set(named) & set(reports.REPORTS)
    row = {"id": 1, "status": "held", "state": "stuck", "last_error": "x" * 500, "fee": None}
    found = reports.Rows(tuple(row), [row] * 9, 9)
    shown = screens.report(t, "held", found, 0).text
    assert shown.count("⚠️") == 9  # eight rows, and the sentence about them
    assert "fee" not in shown
    assert t("report-id", report="held", id="1") in shown
    assert t("report-id", report="held", id="1") != t("report-id", report="ledger", id="1")
    assert len(shown) < 4096
