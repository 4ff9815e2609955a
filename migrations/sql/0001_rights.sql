-- What the application may do, and nothing else: it reads, works on its queues and states, and
-- moves money only through the two functions.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO adtech_app
--;
GRANT EXECUTE ON FUNCTION
    clock(),
    post_transfer(text, text, bigint, bigint[], bigint[], text[], bigint, text),
    open_wallet(text, bigint, bigint, text),
    lock_for_decision(bigint, text),
    hold_price(bigint, bigint, bigint, bigint, text, bigint, text),
    approve_target(bigint, text, text[], bigint, text, text)
TO adtech_app
--;
GRANT INSERT ON
    users, user_roles, user_audit_logs, moved_chats, campaigns, channels, campaign_targets, escrows,
    post_jobs, post_checks, deposits, withdrawals, outbox, inbox, leases, heartbeats,
    ledger_checkpoints, incidents, launch_runs
TO adtech_app
--;
GRANT DELETE ON user_roles, inbox, leases, heartbeats TO adtech_app
--;
GRANT UPDATE (language, language_chosen, time_zone, blocked) ON users TO adtech_app
--;
GRANT UPDATE (status) ON campaigns TO adtech_app
--;
GRANT UPDATE (owner_id, title, username, topic, subscribers, price, promised_hours, status,
    status_reason, last_message_id) ON channels TO adtech_app
--;
GRANT UPDATE (status, decided_by, decided_at, decision_reason) ON campaign_targets TO adtech_app
--;
GRANT UPDATE (status, release_due_at, settled_at) ON escrows TO adtech_app
--;
GRANT UPDATE (status, due_at, claim_no, attempts, lease_owner, lease_until, last_error, message_id,
    sent_at, updated_at) ON post_jobs TO adtech_app
--;
GRANT UPDATE (status, credited_at) ON deposits TO adtech_app
--;
GRANT UPDATE (status, external_reference, decided_by, settled_at) ON withdrawals TO adtech_app
--;
GRANT UPDATE (enabled, changed_by, changed_at, reason) ON kill_switches TO adtech_app
--;
GRANT UPDATE (status, due_at, attempts, last_error, message_id, sent_at) ON outbox TO adtech_app
--;
GRANT UPDATE (payload, attempts, done_at, failed_at, last_error) ON inbox TO adtech_app
--;
GRANT UPDATE (owner, epoch, held_until) ON leases TO adtech_app
--;
GRANT UPDATE (beat_at) ON heartbeats TO adtech_app
--;
GRANT UPDATE (new_chat_id) ON moved_chats TO adtech_app
--;
GRANT UPDATE (closed_at, closed_by, details) ON incidents TO adtech_app
