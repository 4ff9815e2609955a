"""List the attacks in which a login does what only a person or an admin may decide."""

from tests.factories.attack import attack

IN_OTHERS_NAMES = (
    attack(
        "a withdrawal is requested in the name of a person",
        "INSERT INTO withdrawals (key, user_id, amount, currency)"
        " VALUES ('x', {thief}, 300, 'USD')",
        "SELECT post_transfer('withdrawal_hold:' || w.id, 'withdrawal_hold', w.id,"
        " ARRAY[{thief_wallet}, held.id], ARRAY[-w.amount, w.amount],"
        " '{{withdrawal_hold,withdrawal_hold}}', NULL, NULL) FROM withdrawals w"
        " JOIN wallets held ON held.user_id = w.user_id AND held.kind = 'withdrawal'"
        " WHERE w.key = 'x'",
        app="may",
        bot="AD079",
    ),
    attack(
        "an approved withdrawal is returned",
        "UPDATE withdrawals SET status = 'approved', decided_by = {admin}",
        "UPDATE withdrawals SET status = 'returned', return_reason = 'x', settled_at = now()",
        "SELECT post_transfer('withdrawal_return:' || w.id, 'withdrawal_return', w.id,"
        " ARRAY[held.id, {thief_wallet}], ARRAY[-w.amount, w.amount],"
        " '{{withdrawal_return,withdrawal_return}}', NULL, NULL) FROM withdrawals w"
        " JOIN wallets held ON held.user_id = w.user_id AND held.kind = 'withdrawal'",
        app="may",
        bot="AD087",
    ),
    attack(
        "a post is queued that nobody has approved",
        "INSERT INTO post_jobs (campaign_target_id, channel_id, due_at)"
        " SELECT id, channel_id, now() FROM campaign_targets WHERE id = {pending}",
        app="may",
        bot="AD086",
    ),
    attack(
        "the checks of a post are postponed",
        "UPDATE post_jobs SET next_check_at = now() + interval '9 days',"
        " escalate_at = now() + interval '9 days' WHERE status = 'success'",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "the promised hours of a post are made longer",
        "UPDATE escrows SET release_due_at = now() + interval '9 days'"
        " WHERE campaign_target_id = {live}",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "an audit row is invented",
        "INSERT INTO user_audit_logs (action, user_id, role, metadata)"
        " VALUES ('moderation_rejected', {admin}, 'admin', '{{}}')",
        app="may",
        bot="may",
        clock="may",
    ),
    attack(
        "a published post is said to have failed",
        "UPDATE post_jobs SET status = 'failed', last_error = 'x' WHERE status = 'success'",
        app="may",
        bot="AD085",
        clock="may",
    ),
    attack(
        "the price of a channel is changed",
        "UPDATE channels SET price = 1",
        app="may",
        bot="may",
    ),
    attack(
        "a campaign is cancelled in the name of its advertiser",
        "UPDATE campaigns SET status = 'cancelled' WHERE status = 'active'",
        app="may",
        bot="may",
    ),
)
