-- Returns the database's own time: the real time plus the shift that only the owner's role may set.
-- Every moment that the product stores or compares comes from here.
-- The body is bound to its table when the function is created, so that no search path changes it.
-- Locks: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT statement_timestamp() + (SELECT shift FROM clock_shift WHERE id = 1);
END
