"""Test that the page with the evidence of a complaint escapes what people write, and is bounded."""

from datetime import UTC, datetime

from bot import evidence_file
from bot.texts import Texts
from db.models.complaints import ComplaintKind, ComplaintStatus, StepKind
from db.models.formats import Ending
from services.market.complaint_details import ComplaintCase, Step
from services.market.complaint_evidence import MOST_CHECKS, Check, Evidence, Movement
from services.market.creatives import Creative

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ATTACK = "<script>alert('1')</script>&\"<b>"
T = Texts("en", "USD")


def _evidence(*, text: str = ATTACK, words: str = ATTACK, checks: int = 1) -> Evidence:
    case = ComplaintCase(
        id=3,
        target_id=7,
        number=1,
        kind=ComplaintKind.OTHER,
        status=ComplaintStatus.DECIDED,
        due_at=NOW,
        owner_percent=40,
        is_appealed=False,
        owner_accepts=False,
        advertiser_accepts=False,
        outcome=None,
        advertiser_id=1,
        owner_id=2,
        advertiser_telegram_id=111_222_333,
        owner_telegram_id=444_555_666,
        channel_title=ATTACK,
        channel_username=None,
        chat_id=-1_000_000_001_234,
        message_id=10,
        price=5_000,
        fee_bps=1_000,
        promised_hours=24,
        is_gone=False,
        was_republished=False,
        is_out=True,
        steps=[
            Step(StepKind.OPENED, "advertiser", words, None, NOW),
            Step(StepKind.DECIDED, "staff", None, 40, NOW),
        ],
        complaints=1,
        groundless=0,
    )
    return Evidence(
        case=case,
        creative=Creative(
            kind="photo", text=text, button_text=ATTACK, button_url="https://example.com/?a=<b>"
        ),
        version=1,
        promised_hours=24,
        hours_on_top=2,
        ending=Ending.LEFT,
        published_at=NOW,
        ends_at=None,
        paid_after=NOW,
        checks=[Check(NOW, "altered", ["text"], ATTACK)] * checks,
        covered_at=NOW,
        covered_by=11,
        movements=[Movement(NOW, "escrow_hold", "advertiser", -5_000)],
    )


def test_nothing_that_a_person_writes_is_markup() -> None:
    page = evidence_file.page(T, _evidence()).decode()
    assert "<script" not in page
    assert page.count("<b>") == 0
    assert page.count("&lt;script&gt;") == 4
    assert "https://example.com/?a=&lt;b&gt;" in page
    assert "https://t.me/c/1234/11" in page
    assert "The last column is what Telegram answered" in page
    assert "-$50.00" in page or "−$50.00" in page  # noqa: RUF001 - a minus sign


def test_the_page_names_no_person_and_is_bounded() -> None:
    largest = _evidence(text="<" * 4_096, words="<" * 500, checks=MOST_CHECKS)
    page = evidence_file.page(T, largest)
    assert len(page) < 200_000
    for number in (b"111222333", b"444555666"):
        assert number not in page


def test_the_summary_counts_the_checks() -> None:
    text = evidence_file.summary(T, _evidence(checks=3))
    assert "Checks: 3" in text
    assert "changed: 3" in text
    assert "A newer post came above it" in text
