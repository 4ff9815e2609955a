-- The application looks, asks and offers.
GRANT UPDATE (unsent_claim_no, abandoned, known_message_id, first_absent_at, next_check_at, escalate_at,
    offered_at) ON post_jobs TO adtech_app
--;
-- What is under way while this is installed: every post of the version before may have been sent,
-- and each is looked at once, from where its next look is planned.
UPDATE post_jobs SET next_check_at = clock()
WHERE status IN ('queued', 'sending', 'uncertain', 'success') AND next_check_at IS NULL
