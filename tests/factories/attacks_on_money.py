"""List the attacks with a stolen database password on money and posts."""

from tests.factories.attack import attack, everywhere

ON_MONEY = (
    attack(
        "a deposit is invented",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " VALUES ({thief}, 1000000, 'USD', 'telegram', 'invented')",
        **everywhere("AD044"),
    ),
    attack(
        "another person's payment becomes one's own deposit",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " SELECT {thief}, amount, currency, source, external_reference || ' '"
        " FROM deposits LIMIT 1",
        **everywhere("AD044"),
    ),
    attack(
        "a refund is credited as a payment",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " VALUES ({thief}, 50000, 'USD', 'telegram', 'only refunded')",
        "UPDATE deposits SET status = 'credited', credited_at = clock()"
        " WHERE external_reference = 'only refunded'",
        **everywhere("AD076"),
    ),
    attack(
        "a payment is marked as handled that is not in the books",
        "UPDATE inbox SET payload = NULL, done_at = now()"
        " WHERE payload -> 'message' ? 'successful_payment'",
        app="AD077",
        bot="AD077",
    ),
    attack(
        "a payment is emptied that is not in the books",
        "UPDATE inbox SET payload = NULL WHERE payload -> 'message' ? 'successful_payment'",
        app="AD077",
        bot="AD077",
    ),
    attack(
        "a refund is marked as handled that is not in the books",
        "UPDATE inbox SET payload = NULL, done_at = now()"
        " WHERE payload -> 'message' ? 'refunded_payment'",
        app="AD077",
        bot="AD077",
    ),
    attack(
        "a deposit is dated by hand",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference, created_at)"
        " VALUES ({thief}, 1000000, 'XTR', 'stars', 'invented', '2020-01-01')",
    ),
    attack(
        "a deposit is said to be in Telegram's list",
        "UPDATE deposits SET comparison = 'listed'",
        app="may",
        clock="may",
    ),
    attack(
        "the list of Stars is said to be read",
        "UPDATE star_list_positions SET read_at = clock()",
        app="may",
        clock="may",
    ),
    attack(
        "a transaction is put into Telegram's list of Stars",
        "INSERT INTO listed_star_transactions"
        " (kind, charge_id, telegram_id, amount, payload, date, update_id)"
        " VALUES ('payment', 'invented', 1, 1, '', 0, 0)",
        app="may",
        clock="may",
    ),
    attack(
        "a payment gets another provider's id",
        "UPDATE received_payments SET provider_charge_id = 'another'",
        owner="AD006",
    ),
    attack(
        "a payment is invented",
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " VALUES ('payment', 'invented', 1, 1, 'USD')",
        app="may",
        intake="may",
    ),
    attack(
        "a refund is invented",
        "INSERT INTO clawbacks (deposit_id, user_id, amount, recovered, loss, currency)"
        " SELECT id, user_id, amount, amount, 0, currency FROM deposits LIMIT 1",
        **everywhere("AD045"),
    ),
    attack(
        "a payment that was made in other money than Stars is given back",
        "INSERT INTO deposit_returns (deposit_id, number, user_id, amount, currency)"
        " SELECT id, 0, user_id, amount, currency FROM deposits LIMIT 1",
        app="AD190",
        bot="AD190",
    ),
    attack(
        "an update is put into the inbox",
        """INSERT INTO inbox (update_id, lane, payload) VALUES (77, 1, '{{"message": {{}}}}')""",
        app="may",
        intake="may",
    ),
    attack(
        "an update becomes another one",
        """UPDATE inbox SET payload = '{{"message": {{"text": "/killswitch"}}}}'""",
        app="AD031",
        bot="AD031",
    ),
    attack(
        "a handled update is handled again",
        "UPDATE inbox SET done_at = NULL WHERE done_at IS NOT NULL",
        app="AD031",
        bot="AD031",
    ),
    attack(
        "an old press is handled again",
        "UPDATE inbox SET failed_at = NULL WHERE failed_at IS NOT NULL",
        app="AD031",
        bot="AD031",
    ),
    attack("an update is deleted", "DELETE FROM inbox"),
    attack(
        "a correction is inserted as done",
        "INSERT INTO corrections (kind, wallet_id, status, proposed_by, reason, confirmed_by,"
        " confirm_reason, done_at)"
        " VALUES ('balance_reset', {wallet}, 'done', {admin}, 'x', {operator}, 'x', now())",
        app="AD030",
        bot="AD030",
    ),
    attack(
        "a correction is proposed by somebody without the role",
        "INSERT INTO corrections (kind, wallet_id, proposed_by, reason)"
        " VALUES ('balance_reset', {thief_wallet}, {thief}, 'x')",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a correction is confirmed by somebody without the role",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {thief}, confirm_reason = 'x'"
        " WHERE status = 'proposed'",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a correction is confirmed by its proposer",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {admin}, confirm_reason = 'x'"
        " WHERE status = 'proposed'",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a correction is confirmed in a colleague's name",
        "UPDATE corrections SET status = 'confirmed', confirmed_by = {colleague},"
        " confirm_reason = 'x', confirmed_in = (SELECT max(id) FROM inbox)"
        " WHERE status = 'proposed'",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a correction is proposed in a colleague's name",
        "INSERT INTO corrections (kind, wallet_id, proposed_by, reason, proposed_in)"
        " SELECT 'balance_reset', {thief_wallet}, {colleague}, 'x', max(id) FROM inbox",
        app="AD064",
        bot="AD064",
    ),
    attack(
        "a request is written in a colleague's name",
        "INSERT INTO staff_requests (kind, arguments, reason, requested_by, acknowledged)"
        """ VALUES ('clawback', '{{"charge_id": "x"}}', 'x', {colleague}, true)""",
        app="AD063",
        bot="AD063",
    ),
    attack(
        "a request is acknowledged in a colleague's name",
        "UPDATE staff_requests SET acknowledged = true, acknowledged_in ="
        " (SELECT max(id) FROM inbox) WHERE id = {request}",
        app="AD061",
        bot="AD061",
    ),
    attack(
        "a request is confirmed in a colleague's name",
        "UPDATE staff_requests SET status = 'done', decided_by = {colleague}, decided_at = now()"
        " WHERE id = {acknowledged}",
        **everywhere("AD061"),
    ),
    attack(
        "a request becomes another one",
        "UPDATE staff_requests SET subject_id = {thief}",
        owner="AD031",
    ),
    attack(
        "a press signs a second time",
        "UPDATE staff_requests SET acknowledged_in = NULL WHERE id = {acknowledged}",
        app="AD031",
        bot="AD031",
        owner="AD031",
    ),
    attack(
        "the time of a decision is changed",
        "UPDATE staff_requests SET decided_at = '3000-01-01' WHERE id = {decided}",
        **everywhere("AD031"),
        owner="AD031",
    ),
    attack(
        "a decision becomes another person's",
        "UPDATE staff_requests SET decided_by = {colleague} WHERE id = {decided}",
        **everywhere("AD031"),
        owner="AD031",
    ),
    attack(
        "a withdrawal that nobody approved is paid by one admin",
        "UPDATE withdrawals SET status = 'paid', decided_by = {admin}, settled_at = now(),"
        " external_reference = 'x'",
        "SELECT post_transfer('withdrawal:' || w.id, 'withdrawal', w.id, ARRAY[held.id, out.id],"
        " ARRAY[-w.amount, w.amount], '{{withdrawal,withdrawal}}', {admin}, NULL)"
        " FROM withdrawals w JOIN wallets held ON held.user_id = w.user_id"
        " AND held.kind = 'withdrawal' JOIN wallets out ON out.counterparty_id = w.user_id"
        " AND out.kind = 'external'",
        app="AD060",
        bot="AD060",
    ),
    attack(
        "an external reference is used for a second payment",
        "UPDATE withdrawals SET status = 'paid', decided_by = {admin}, settled_at = now(),"
        " external_reference = 'x'",
        "INSERT INTO excess_payments (withdrawal_id, user_id, amount, recovered, loss, currency,"
        " external_reference, recorded_by)"
        " SELECT id, user_id, amount, amount, 0, currency, 'x ', {admin} FROM withdrawals",
        app="AD054",
        bot="AD054",
    ),
    attack(
        "a used external reference is set free",
        "DELETE FROM external_references",
        owner="AD006",
    ),
    attack(
        "a withdrawal is approved by somebody without the role",
        "UPDATE withdrawals SET status = 'approved', decided_by = {thief}",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a placement is approved by somebody without the role",
        "UPDATE campaign_targets SET status = 'approved', decided_by = {thief}"
        " WHERE id = {pending}",
        app="AD032",
        bot="AD032",
    ),
    attack(
        "a placement is approved by nobody",
        "UPDATE campaign_targets SET status = 'approved' WHERE id = {pending}",
        **everywhere("AD032"),
    ),
    attack(
        "a queued job is set to success",
        "UPDATE post_jobs SET status = 'success', message_id = 5 WHERE status = 'queued'",
        **everywhere("AD029"),
    ),
    attack(
        "a job succeeds without the number of a claim",
        "UPDATE post_jobs SET status = 'sending', lease_owner = 'x', lease_until = now()"
        " WHERE status = 'queued'",
        "UPDATE post_jobs SET status = 'success', message_id = 5, lease_owner = NULL,"
        " lease_until = NULL WHERE status = 'sending'",
        app="AD033",
        clock="AD033",
    ),
    attack(
        "a job is claimed",
        "UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1, lease_owner = 'x',"
        " lease_until = now() WHERE status = 'queued'",
        app="may",
        clock="may",
    ),
    attack(
        "the promised hours began long ago",
        "UPDATE post_jobs SET sent_at = now() - interval '9 days' WHERE status = 'success'",
        **everywhere("AD035"),
    ),
    attack(
        "another message is named as the post",
        "UPDATE post_jobs SET message_id = 99 WHERE status = 'success'",
        **everywhere("AD031"),
    ),
    attack(
        "a person with an open loss buys",
        "INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee)"
        " SELECT id, open_wallet('escrow', NULL, NULL, 'USD'), price, price / 10"
        " FROM campaign_targets WHERE id = {unpaid}",
        app="AD055",
        bot="AD055",
    ),
    attack(
        "a person buys without having pressed the button",
        "INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price, promised_hours,"
        " fee_bps, answer_due_at) SELECT campaign_id, channel_id, owner_id, 1, 0, 0, clock()"
        " FROM campaign_targets"
        " WHERE id = {pending}",
        app="may",
        bot="AD079",
    ),
    attack(
        "a live post is paid for",
        "UPDATE escrows SET status = 'released', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD037",
        clock="AD037",
    ),
    attack(
        "a live post is paid for, after its hours were shortened and a check was invented",
        "UPDATE escrows SET release_due_at = now() - interval '1 hour'"
        " WHERE campaign_target_id = {live}",
        "INSERT INTO post_checks (post_job_id, verdict, evidence)"
        " SELECT id, 'present', 'x' FROM post_jobs WHERE campaign_target_id = {live}",
        "UPDATE escrows SET status = 'released', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD037",
        bot="AD075",
        clock="AD037",
    ),
    attack(
        "a check is made in the future",
        "INSERT INTO post_checks (post_job_id, verdict, evidence, checked_at)"
        " SELECT id, 'present', 'x', now() + interval '9 days' FROM post_jobs",
        app="AD036",
        bot="AD075",
        clock="AD036",
    ),
    attack(
        "a check that saw the post is invented",
        "INSERT INTO post_checks (post_job_id, verdict, evidence)"
        " SELECT id, 'present', 'an admin has seen it' FROM post_jobs",
        app="may",
        bot="AD075",
        clock="may",
    ),
    attack(
        "a breach is recorded",
        "UPDATE post_jobs SET breach = 'altered', breach_refund_at = now()"
        " WHERE campaign_target_id = {live}",
        app="may",
        bot="AD074",
        clock="may",
    ),
    attack(
        "a breach is ended",
        "UPDATE post_jobs SET breach = NULL, breach_refund_at = NULL WHERE breach IS NOT NULL",
        **everywhere("AD074"),
    ),
    attack(
        "a breach gets more time",
        "UPDATE post_jobs SET breach_refund_at = now() + interval '9 days'"
        " WHERE breach IS NOT NULL",
        **everywhere("AD074"),
    ),
    attack("a check is changed", "UPDATE post_checks SET verdict = 'present'", owner="AD006"),
    attack(
        "a live post is refunded",
        "UPDATE escrows SET status = 'refunded', settled_at = now()"
        " WHERE campaign_target_id = {live}",
        app="AD038",
        clock="AD038",
    ),
    *(
        attack(
            f"{column} of {table} is changed",
            f"UPDATE {table} SET {column} = {value}",
            owner="AD031",
        )
        for table, column, value in (
            ("campaign_targets", "price", "1"),
            ("campaign_targets", "fee_bps", "0"),
            ("campaign_targets", "promised_hours", "0"),
            ("campaign_targets", "channel_id", "channel_id + 1"),
            ("campaign_targets", "owner_id", "{thief}"),
            ("campaign_targets", "campaign_id", "campaign_id + 1"),
            ("campaign_targets", "publish_at", "now()"),
            ("campaigns", "advertiser_id", "{thief}"),
            ("campaigns", "creative", "'{{}}'"),
            ("campaigns", "total_budget", "total_budget - 1"),
            ("channels", "chat_id", "chat_id + 1000000"),
            ("post_jobs", "campaign_target_id", "campaign_target_id + 1000"),
            ("post_jobs", "channel_id", "channel_id + 1000"),
            ("user_roles", "role", "'super_admin'"),
            ("user_roles", "user_id", "{thief}"),
            ("users", "telegram_id", "telegram_id + 1000000"),
            ("deposits", "amount", "amount + 1"),
            ("deposits", "currency", "'EUR'"),
            ("deposits", "user_id", "{thief}"),
            ("withdrawals", "amount", "1"),
            ("withdrawals", "currency", "'EUR'"),
            ("withdrawals", "user_id", "{admin}"),
        )
    ),
)
