-- Makes the super admins from SUPER_ADMIN_IDS equal to the listed people, and tells the admin chat about
-- each change. A listed person gets the role, unless two people have revoked it. A person who got it
-- from an earlier list and is not listed any more loses it. Roles that people granted stay. The first
-- super admins of a new database are not told, because nobody else can read the message.
-- Locks: the changed roles. Raises: nothing.
CREATE OR REPLACE FUNCTION reconcile_super_admins(listed bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    is_new boolean := NOT EXISTS (SELECT FROM user_roles);
    person record;
    change text;
    decided staff_requests;
BEGIN
    FOR person IN
        SELECT id, telegram_id, id = ANY (listed) AS is_listed FROM users
        WHERE id = ANY (listed) OR id IN (
            SELECT user_id FROM user_roles WHERE role = 'super_admin' AND granted_by IS NULL)
        ORDER BY is_listed, id
    LOOP
        decided := decided_role_request(person.id, 'super_admin');
        change := NULL;
        IF NOT person.is_listed THEN
            DELETE FROM user_roles
            WHERE user_id = person.id AND role = 'super_admin' AND granted_by IS NULL;
            change := CASE WHEN FOUND THEN 'revoked' END;
        ELSIF decided.kind = 'revoke_role' THEN
            change := 'kept_revoked';
        ELSE
            INSERT INTO user_roles (user_id, role) VALUES (person.id, 'super_admin')
            ON CONFLICT (user_id, role) DO NOTHING;
            change := CASE WHEN FOUND AND NOT is_new THEN 'granted' END;
        END IF;
        INSERT INTO outbox (kind, payload, priority, key)
        SELECT 'role_reconciled', jsonb_build_object('telegram_id', person.telegram_id,
            'change', change), 0, CASE change WHEN 'kept_revoked' THEN 'role_kept_revoked:' || decided.id END
        WHERE change IS NOT NULL
        ON CONFLICT (key) DO NOTHING;
    END LOOP;
END $$
