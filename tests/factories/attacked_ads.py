"""Create the complaint, the draft, the tracked links and the words that attacks are about."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.complaints import ComplaintKind
from services.market import campaigns, channels, complaints, watched_words
from services.platform.actors import Actor
from tests.factories import people, tracked


async def create(session: AsyncSession, admin: Actor) -> dict[str, int]:
    """Create what `attacks_on_ads` attacks, and return the ids that it names.

    The complaint waits for the staff, and the channel `suspended` is suspended.
    """
    made = await people.posted(session, promised_hours=24)
    complaint_id = await complaints.open_complaint(
        session, actor=made.advertiser, target_id=made.target.id, kind=ComplaintKind.WRONG
    )
    await complaints.answer(session, actor=made.owner, complaint_id=complaint_id, words="It is.")
    await complaints.dispute(session, actor=made.advertiser, complaint_id=complaint_id)
    drafter = await people.person(session)
    draft = await campaigns.create(
        session, actor=drafter, name="Bakery", creative=people.advert(), total_budget=100
    )
    await tracked.deal(session)
    place = await people.channel(session, await people.person(session))
    await channels.suspend(session, place, "rights_lost")
    await watched_words.add(session, actor=admin, word="casino")
    return {
        "complaint": complaint_id,
        "complainer": made.advertiser.user_id or 0,
        "draft": draft.id,
        "drafter": drafter.user_id or 0,
        "suspended": place.id,
    }
