-- The application looks, asks and offers.
GRANT UPDATE (unsent_claim_no, abandoned, known_message_id, absent_at, look_due_at, card_due_at,
    offered_at) ON post_jobs TO adtech_app
--;
-- What is under way while this is installed: every post of the version before may have been sent,
-- and each is looked at once, from where its next look is planned.
UPDATE post_jobs SET look_due_at = clock()
WHERE status IN ('queued', 'sending', 'uncertain', 'success') AND look_due_at IS NULL
