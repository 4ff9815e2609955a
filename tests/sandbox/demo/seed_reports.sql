-- name: counts_campaigns
SELECT COUNT(*) as campaign_count FROM campaigns;
-- name: counts_targets
SELECT COUNT(*) as target_count FROM campaign_targets;
-- name: counts_escrows
SELECT COUNT(*) as escrow_count FROM escrows;
-- name: counts_jobs
SELECT COUNT(*) as postjob_count FROM post_jobs;

-- name: audit_recent
SELECT action, COUNT(*)
FROM user_audit_logs
WHERE "createdAt" > NOW() - INTERVAL '10 minutes'
GROUP BY action;

-- name: corrupted
SELECT COUNT(*) FROM campaign_targets
WHERE status = 'approved' AND (
  SELECT COUNT(*) FROM escrows WHERE "campaignTargetId" = campaign_targets.id
) = 0;

-- name: ledger
SELECT
  w.id,
  w."userId",
  COUNT(le.id) as ledger_count,
  SUM(le.amount) as ledger_sum,
  w.balance,
  (w.balance = COALESCE(SUM(le.amount), 0)) as is_valid
FROM wallets w
LEFT JOIN ledger_entries le ON le."walletId" = w.id
GROUP BY w.id, w."userId", w.balance
ORDER BY w."createdAt" DESC
LIMIT 100;

-- name: escrow_uniqueness
SELECT
  "campaignTargetId",
  COUNT(*) as escrow_count
FROM escrows
GROUP BY "campaignTargetId"
HAVING COUNT(*) > 1;

-- name: job_uniqueness
SELECT
  "campaignTargetId",
  COUNT(*) as postjob_count
FROM post_jobs
GROUP BY "campaignTargetId"
HAVING COUNT(*) > 1;

-- name: campaign_statuses
SELECT status, COUNT(*) FROM campaigns GROUP BY status;

-- name: week
SELECT
  DATE(created_at) as date,
  COUNT(DISTINCT CASE WHEN status = 'active' THEN id END) as active_campaigns,
  COUNT(DISTINCT CASE WHEN status = 'draft' THEN id END) as draft_campaigns,
  COUNT(DISTINCT CASE WHEN status = 'posted' THEN "campaignId" END) as posted_targets,
  COUNT(DISTINCT CASE WHEN status = 'approved' THEN "campaignId" END) as approved_targets
FROM campaigns
LEFT JOIN campaign_targets ON campaign_targets."campaignId" = campaigns.id
WHERE created_at > NOW() - INTERVAL '7 days'
GROUP BY DATE(created_at)
ORDER BY date DESC;

-- name: audit
SELECT
  action,
  COUNT(*) as count,
  MAX("createdAt") as latest
FROM user_audit_logs
WHERE "createdAt" > NOW() - INTERVAL '7 days'
GROUP BY action
ORDER BY count DESC;

-- name: drift
SELECT w.id, w.balance, COALESCE(SUM(l.amount),0) AS ledger_sum
FROM wallets w
LEFT JOIN ledger_entries l ON l.walletId = w.id
GROUP BY w.id
HAVING w.balance <> COALESCE(SUM(l.amount),0);

-- name: held
SELECT id, campaignTargetId, status, createdAt
FROM escrows
WHERE status = 'held'
ORDER BY createdAt ASC;

-- name: job_statuses
SELECT status, COUNT(*) FROM post_jobs GROUP BY status;

-- name: escrow_statuses
SELECT status, COUNT(*) FROM escrows GROUP BY status;

-- name: failed_jobs
SELECT id, status, lastError FROM post_jobs WHERE status = 'failed';

-- name: unpaid_releases
SELECT e.id, e.campaignTargetId
FROM escrows e
LEFT JOIN ledger_entries l
  ON l.referenceId = e.campaignTargetId AND l.reason = 'payout'
WHERE e.status = 'released' AND l.id IS NULL;

-- name: break_a_balance
UPDATE wallets SET balance = balance + 1 WHERE id = 1;

-- name: clean_up_a_campaign
DELETE FROM campaigns WHERE id = 1;
