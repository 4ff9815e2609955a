-- Trigger `nobody_waits` of escrows: an escrow is not released while the releases to its owner for posts in this
-- channel wait, because Telegram names another creator of the channel.
-- Locks: nothing. Raises: AD068.
CREATE OR REPLACE FUNCTION require_no_payout_wait() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM payout_waits wait JOIN campaign_targets target
            ON target.channel_id = wait.channel_id AND target.owner_id = wait.owner_id
        WHERE target.id = NEW.campaign_target_id AND wait.ended_at IS NULL
    ) THEN
        RAISE EXCEPTION 'the releases for this channel wait for an admin' USING ERRCODE = 'AD068';
    END IF;
    RETURN NEW;
END $$
