-- The database's own clock. The body is bound when it is created, so no search path can fool it.
CREATE FUNCTION clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT statement_timestamp() + (SELECT shift FROM clock_shift WHERE id = 1);
END
