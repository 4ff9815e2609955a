-- Writes the row of a channel in `listings` again, from its present data. A channel that is not on offer has no row.
-- The growth compares the subscribers with those of 30 days before (null if they are not known); the record counts
-- the placements that the present owner has sold, as `services/market/owner_records.py` does. The price of a click
-- is that of the earlier ads with tracked links (`count_channel_clicks`), or null.
-- Locks: the listing. The caller has locked the channel. Raises: nothing.
CREATE OR REPLACE FUNCTION refresh_listing(refreshed_id bigint) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO listings AS present (channel_id, topic, language, price, lengths, subscribers,
        price_per_1000, growth, kept, broken, offered_at, click_price, words)
    SELECT channel.id, known_topic(channel.topic), coalesce(channel.language, owner.language),
        offered.price, offered.lengths, channel.subscribers,
        ceil(1000 * offered.price::numeric / nullif(channel.subscribers, 0)),
        1000 * (channel.subscribers - before.count) / nullif(before.count, 0),
        sold.kept, sold.broken, offered.first_at,
        (SELECT measured.price_per_click FROM channel_clicks measured
            WHERE measured.channel_id = channel.id),
        to_tsvector('simple', regexp_replace(
            concat_ws(' ', channel.title, channel.username), '[!-/:-@\[-`{-~]+', ' ', 'g'))
    FROM channels channel
    JOIN users owner ON owner.id = channel.owner_id
    CROSS JOIN LATERAL (
        SELECT min(format.price) FILTER (WHERE format.retired_at IS NULL) AS price,
            bit_or(CASE WHEN format.ending = 'endless' THEN 8 WHEN format.promised_hours <= 24 THEN 1
                WHEN format.promised_hours <= 48 THEN 2 ELSE 4 END)
                FILTER (WHERE format.retired_at IS NULL) AS lengths,
            min(format.created_at) AS first_at
        FROM channel_formats format WHERE format.channel_id = channel.id
    ) AS offered
    LEFT JOIN LATERAL (
        SELECT day.count FROM channel_subscribers day
        WHERE day.channel_id = channel.id AND day.day BETWEEN
            (clock() AT TIME ZONE 'UTC')::date - 45 AND (clock() AT TIME ZONE 'UTC')::date - 30
        ORDER BY day.day DESC LIMIT 1
    ) AS before ON true
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE escrow.status = 'released') AS kept,
            count(*) FILTER (WHERE job.last_error = 'removed' OR EXISTS (
                SELECT FROM post_checks post_check
                WHERE post_check.post_job_id = job.id AND post_check.verdict = 'altered')) AS broken
        FROM (
            SELECT newest.* FROM campaign_targets newest
            WHERE newest.channel_id = channel.id ORDER BY newest.id DESC LIMIT 100
        ) AS target
        LEFT JOIN escrows escrow ON escrow.campaign_target_id = target.id
        LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
        WHERE target.owner_id = channel.owner_id
            AND target.created_at > clock() - interval '90 days'
    ) AS sold
    WHERE channel.id = refreshed_id AND channel.status = 'active' AND NOT owner.blocked
        AND offered.price IS NOT NULL
    ON CONFLICT (channel_id) DO UPDATE SET topic = excluded.topic, language = excluded.language,
        price = excluded.price, lengths = excluded.lengths, subscribers = excluded.subscribers,
        price_per_1000 = excluded.price_per_1000, growth = excluded.growth, kept = excluded.kept,
        broken = excluded.broken, offered_at = excluded.offered_at,
        click_price = excluded.click_price, words = excluded.words;
    IF NOT FOUND THEN
        DELETE FROM listings WHERE channel_id = refreshed_id;
    END IF;
END $$
