-- Trigger `new_start` of channels: the next owner of a channel begins without the early removals of the owner
-- before, and the channel can be offered again. The trigger `taken_over_by_owner` makes sure that the next owner
-- has chosen the channel in Telegram, and the bot that Telegram names them as its creator.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION forget_removals() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.removed_early_at := NULL;
    NEW.removals_seen_at := NULL;
    RETURN NEW;
END $$
