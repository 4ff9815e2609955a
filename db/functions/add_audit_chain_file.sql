-- Allows the scheduler to begin a new file of the audit chain under this name, and returns true. Returns
-- false if a new file is allowed already and not begun. An allowance that is not used ends after one
-- hour. Only an operator or a super admin may do this; a null `actor_id` means the system, which may
-- only allow the first file of all. A trigger writes the audit row and notifies the admin chat.
-- Locks: the files of the audit chain (advisory).
-- Raises: AD042 (the person may not do it), AD095 (not the first file).
CREATE OR REPLACE FUNCTION add_audit_chain_file(file_name text, actor_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7005);
    IF actor_id IS NULL AND EXISTS (SELECT FROM audit_chain_files) THEN
        RAISE EXCEPTION 'an operator allows another file of the audit chain' USING ERRCODE = 'AD095';
    END IF;
    IF EXISTS (
        SELECT FROM audit_chain_files
        WHERE last_number = 0
            AND written_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO audit_chain_files (name, last_number, added_by) VALUES (file_name, 0, actor_id);
    RETURN true;
END $$
