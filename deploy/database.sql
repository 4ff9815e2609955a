-- Create the database `adtech`, and its roles if the server has none, as the server's administrator.
-- psql reads the passwords from the environment: ADTECH_OWNER_PASSWORD and so on.
-- Run it with: psql --set ON_ERROR_STOP=1 --file deploy/database.sql postgres
\set ON_ERROR_STOP on
\getenv owner_password ADTECH_OWNER_PASSWORD
\getenv intake_password ADTECH_INTAKE_PASSWORD
\getenv bot_password ADTECH_BOT_PASSWORD
\getenv clock_password ADTECH_CLOCK_PASSWORD
\getenv reports_password ADTECH_REPORTS_PASSWORD
\getenv redirect_password ADTECH_REDIRECT_PASSWORD

SELECT count(*) = 0 AS without_roles FROM pg_roles WHERE rolname = 'adtech_owner' \gset
\if :without_roles
CREATE ROLE adtech_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE adtech_intake LOGIN PASSWORD :'intake_password';
CREATE ROLE adtech_bot LOGIN PASSWORD :'bot_password';
CREATE ROLE adtech_clock LOGIN PASSWORD :'clock_password';
CREATE ROLE adtech_reports LOGIN PASSWORD :'reports_password';
CREATE ROLE adtech_redirect LOGIN PASSWORD :'redirect_password';
CREATE ROLE adtech_app NOLOGIN;
GRANT adtech_intake, adtech_bot, adtech_clock, adtech_reports, adtech_redirect TO adtech_app;
GRANT pg_signal_backend TO adtech_owner;  -- a stop of a switch ends the sessions that hold it up
GRANT pg_read_all_stats TO adtech_owner;  -- the scheduler ends transactions older than 90 s
\endif

CREATE DATABASE adtech OWNER adtech_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE adtech FROM PUBLIC;
GRANT CONNECT ON DATABASE adtech
    TO adtech_owner, adtech_app, adtech_intake, adtech_bot, adtech_clock, adtech_reports, adtech_redirect;

-- Without these limits, a transaction that hangs would block others for as long as it likes.
-- PostgreSQL 16 has no transaction_timeout: leave those six lines out there.
ALTER ROLE adtech_app SET transaction_timeout = '30s';
ALTER ROLE adtech_intake SET transaction_timeout = '30s';
ALTER ROLE adtech_bot SET transaction_timeout = '30s';
ALTER ROLE adtech_clock SET transaction_timeout = '30s';
ALTER ROLE adtech_reports SET transaction_timeout = '30s';
ALTER ROLE adtech_redirect SET transaction_timeout = '30s';
ALTER ROLE adtech_app SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_intake SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_bot SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_clock SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_reports SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_redirect SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE adtech_app SET lock_timeout = '10s';
ALTER ROLE adtech_intake SET lock_timeout = '10s';
ALTER ROLE adtech_bot SET lock_timeout = '10s';
ALTER ROLE adtech_clock SET lock_timeout = '10s';
ALTER ROLE adtech_reports SET lock_timeout = '10s';
ALTER ROLE adtech_redirect SET lock_timeout = '10s';
