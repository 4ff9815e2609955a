"""List the attacks on complaints, tracked links, campaigns and the catalogue."""

from tests.factories.attack import attack, everywhere

_COMPLAINTS = (
    attack(
        "a complaint is invented",
        "SELECT open_complaint({live}, {buyer}, 'wrong', NULL, '24 hours', NULL)",
        app="may",
        bot="AD172",
    ),
    attack(
        "a complaint is closed in the name of its advertiser",
        "SELECT take_complaint_step({complaint}, {complainer}, 'satisfied', NULL, NULL,"
        " '24 hours', NULL)",
        app="may",
        bot="AD173",
    ),
    attack(
        "a complaint is decided in the name of an admin",
        "SELECT take_complaint_step({complaint}, {admin}, 'decided', NULL, 100, '24 hours', NULL)",
        app="may",
        bot="AD173",
    ),
    attack(
        "the staff get no time to decide about a complaint",
        "SELECT end_complaint_step({complaint}, '0', NULL)",
        app="AD186",
        clock="AD186",
    ),
    attack("a complaint is written by hand", "UPDATE complaints SET due_at = now()"),
    attack("a complaint is deleted", "DELETE FROM complaints", owner="AD006"),
    attack(
        "the evidence of a complaint is changed",
        "UPDATE complaint_steps SET words = 'x'",
        owner="AD006",
    ),
    attack("the evidence of a complaint is deleted", "DELETE FROM complaint_steps", owner="AD006"),
    attack(
        "the time for complaints about a placement is changed",
        "UPDATE campaign_targets SET complaint_window = '1 second' WHERE id = {live}",
        owner="AD031",
    ),
    attack(
        "a part of a release goes back to the advertiser",
        "UPDATE escrows SET status = 'released', settled_at = now(), returned = 1"
        " WHERE campaign_target_id = {due}",
        app="AD171",
        clock="AD171",
    ),
    attack(
        "the staff are not told about a step of a complaint that is to come",
        "INSERT INTO outbox (kind, payload, key)"
        " VALUES ('complaint_staff', '{{}}', 'complaint_staff:999999')",
        **everywhere("AD187"),
    ),
    attack(
        "a message about a complaint says what did not happen",
        "INSERT INTO outbox (user_id, kind, payload, key)"
        " SELECT {thief}, 'complaint', jsonb_build_object('complaint_id', complaint_id,"
        " 'step', 'satisfied'), 'complaint:' || max(id) || ':x' FROM complaint_steps"
        " GROUP BY complaint_id",
        **everywhere("AD187"),
    ),
)
_LINKS = (
    attack(
        "a tracked link leads to another address",
        "UPDATE tracked_links SET url = 'https://thief.example'",
        owner="AD031",
    ),
    attack("a tracked link works for longer", "UPDATE tracked_links SET works_until = now()"),
    attack("a tracked link is deleted", "DELETE FROM tracked_links", owner="AD006"),
    attack("clicks are written by hand", "UPDATE click_days SET clicks = 9"),
    attack(
        "what a click costs in a channel is written", "UPDATE channel_clicks SET median_clicks = 9"
    ),
    attack("a click of today is forgotten", "DELETE FROM click_hashes"),
    attack(
        "clicks are counted by another login",
        "SELECT record_clicks('{{}}', '{{}}', '{{}}', '{{}}')",
        app="may",
        redirect="may",
    ),
    attack(
        "the links of new ads lead through another host",
        "UPDATE campaigns SET link_base = 'https://thief.example' WHERE id = {draft}",
        app="may",
        bot="AD184",
    ),
    attack(
        "a campaign is born with another host for its links",
        "INSERT INTO campaigns (advertiser_id, name, creative, total_budget, link_base)"
        " VALUES ({drafter}, 'x', '{{}}', 1, 'https://thief.example')",
        app="may",
        bot="AD184",
    ),
)
_DRAFTS = (
    attack(
        "the ad of a draft is replaced",
        "SELECT change_campaign({draft}, {drafter}, NULL, '{{}}', NULL, NULL)",
        app="may",
        bot="AD182",
    ),
    attack(
        "the budget of a campaign is raised in the name of its advertiser",
        "SELECT change_campaign({draft}, {drafter}, NULL, NULL, 900000, NULL)",
        app="may",
        bot="AD182",
    ),
    attack(
        "a draft is deleted in the name of its advertiser",
        "SELECT delete_draft({draft}, {drafter}, NULL)",
        app="may",
        bot="AD183",
    ),
)
_CATALOGUE = (
    attack("the listing of a channel is written by hand", "UPDATE listings SET kept = 99"),
    attack("a channel is listed by hand", "SELECT refresh_listing({suspended})"),
    attack(
        "a suspended channel is offered again",
        "UPDATE channels SET status = 'active' WHERE id = {suspended}",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "the subscribers of a channel are invented",
        "UPDATE channels SET subscribers = 1000000",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "the growth of a channel is invented",
        "INSERT INTO channel_subscribers (channel_id, day, count)"
        " SELECT id, current_date - 31, 1 FROM channels",
        app="may",
        clock="may",
    ),
    attack(
        "posts and reactions of a channel are invented",
        "INSERT INTO channel_posts (channel_id, message_id, posted_at, reactions)"
        " SELECT id, 999, now(), 999 FROM channels",
        app="may",
        bot="may",
    ),
    attack(
        "another format of a channel is offered",
        "INSERT INTO channel_formats (channel_id, price, promised_hours, hours_on_top, ending)"
        " VALUES ({suspended}, 1, 25, 0, 'left')",
        app="may",
        bot="may",
    ),
    attack(
        "the invite link of a channel is changed",
        "UPDATE channels SET invite_link = 'https://t.me/+abcdefghij'",
        app="may",
        bot="may",
    ),
    attack(
        "a post above an ad is invented",
        "INSERT INTO posts_above (post_job_id, message_id, posted_at)"
        " SELECT id, 11, now() FROM post_jobs WHERE campaign_target_id = {live}",
        app="may",
        bot="may",
    ),
)
_STAFF = (
    attack(
        "a watched word is removed in the name of an admin",
        "DELETE FROM watched_words",
        app="may",
        bot="AD185",
    ),
    attack(
        "a word is watched in the name of an admin",
        "INSERT INTO watched_words (word, added_by) VALUES ('x', {admin})",
        app="may",
        bot="AD185",
    ),
    attack(
        "the card of a placement is taken in the name of an admin",
        "INSERT INTO card_readers (campaign_target_id, user_id, until)"
        " VALUES ({pending}, {admin}, now() + interval '9 days')",
        app="may",
        bot="may",
    ),
)
ON_ADS = (*_COMPLAINTS, *_LINKS, *_DRAFTS, *_CATALOGUE, *_STAFF)
