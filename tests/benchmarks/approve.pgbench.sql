-- The same work as one approval, as a plain fixed script: 11 statements, BEGIN and COMMIT included.
-- Run as the owner's role, since the application may not write these tables by hand.
\set i :i + 1
\set target :first + :client_id + :i * :clients
BEGIN;
SELECT pg_advisory_xact_lock_shared(7001, hashtext('new_escrows'));
SELECT enabled FROM kill_switches WHERE key = 'new_escrows';
SELECT t.campaign_id, t.channel_id, t.owner_id, t.price, t.price * t.fee_bps / 10000 AS fee, c.advertiser_id, w.id AS advertiser_wallet, w.currency FROM campaign_targets t JOIN campaigns c ON c.id = t.campaign_id JOIN channels ch ON ch.id = t.channel_id JOIN users a ON a.id = c.advertiser_id JOIN users o ON o.id = t.owner_id JOIN wallets w ON w.user_id = c.advertiser_id AND w.kind = 'user' WHERE t.id = :target AND t.status = 'pending' AND c.status = 'active' AND ch.status = 'active' AND NOT a.blocked AND NOT o.blocked FOR UPDATE OF t FOR SHARE OF c \gset
WITH wallet AS (INSERT INTO wallets (kind, currency) VALUES ('escrow', :currency) RETURNING id) INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee) SELECT :target, id, :price, :fee FROM wallet RETURNING wallet_id AS escrow_wallet \gset
INSERT INTO ledger_transfers (key, reason, reference_id) VALUES ('escrow_hold:' || :target::bigint, 'escrow_hold', :target) RETURNING id AS transfer \gset
WITH moved AS (UPDATE wallets w SET balance = balance + leg.amount, version = version + 1 FROM (VALUES (:advertiser_wallet::bigint, -:price::bigint), (:escrow_wallet::bigint, :price::bigint)) AS leg (wallet_id, amount) WHERE w.id = leg.wallet_id RETURNING w.id, w.balance, w.version, leg.amount) INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id) SELECT :transfer, id, amount, balance, version, 'escrow_hold', :target FROM moved;
INSERT INTO post_jobs (campaign_target_id, channel_id, due_at) VALUES (:target, :channel_id, clock());
UPDATE campaign_targets SET status = 'approved', decided_by = 1, decided_at = clock() WHERE id = :target;
WITH audit AS (INSERT INTO user_audit_logs (action, user_id, role, metadata) VALUES ('moderation_approved', 1, 'admin', json_build_object('target_id', :target::bigint))) INSERT INTO outbox (user_id, kind, payload, key) VALUES (:advertiser_id, 'target_approved', json_build_object('target_id', :target::bigint), 'target_approved:' || :target::bigint), (:owner_id, 'ad_scheduled', json_build_object('target_id', :target::bigint), 'ad_scheduled:' || :target::bigint);
COMMIT;
