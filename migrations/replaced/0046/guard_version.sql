-- Trigger `versioned` of campaign_targets: a new placement has version 1 and the ad of its campaign (a
-- repeated purchase has the ad of the placement that it repeats). The ad, the price, the format and the time
-- of a placement change only together with its version, which grows by one, while the placement is pending
-- without an escrow; the owner is asked again, because an acceptance counts for one version. The former
-- content is stored in `placement_versions`. The owner's role of the database is not asked about new rows,
-- because it restores and fills tables.
-- Locks: nothing. Raises: AD093, AD094.
CREATE OR REPLACE FUNCTION guard_version() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (NEW.version <> 1 OR NEW.changed_at IS NOT NULL
                OR NEW.creative IS NOT NULL AND NOT EXISTS (
                    SELECT FROM campaign_targets failed
                    WHERE failed.id = NEW.retry_of AND failed.campaign_id = NEW.campaign_id
                        AND failed.creative = NEW.creative))
            AND NOT pg_has_role(session_user, current_user, 'MEMBER')
        THEN
            RAISE EXCEPTION 'a new placement has the ad of its campaign' USING ERRCODE = 'AD094';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1 OR OLD.status <> 'pending' OR NEW.status <> 'pending'
        OR NEW.agreed_at IS NOT NULL OR NEW.answer_due_at IS NULL OR NEW.changed_at IS NULL
        OR EXISTS (SELECT FROM escrows WHERE campaign_target_id = NEW.id)
    THEN
        RAISE EXCEPTION 'placement % cannot have this version', NEW.id USING ERRCODE = 'AD093';
    END IF;
    INSERT INTO placement_versions (campaign_target_id, version, creative, price, promised_hours,
        hours_on_top, ending, publish_at)
    SELECT OLD.id, OLD.version, coalesce(OLD.creative, campaign.creative), OLD.price,
        OLD.promised_hours, OLD.hours_on_top, OLD.ending, OLD.publish_at
    FROM campaigns campaign WHERE campaign.id = OLD.campaign_id;
    RETURN NEW;
END $$
