# One image for the bot, the scheduler, the migrations and the command line. The command chooses.
#
#   docker build -t bot-adtech .
#   docker run --env-file .env bot-adtech                       the bot
#   docker run --env-file .env bot-adtech python -m scheduler   the scheduler
#   docker run --env-file .env bot-adtech adtech                the command line
#   docker run -e MIGRATION_DATABASE_URL bot-adtech alembic upgrade head
#
# Only the container that migrates gets MIGRATION_DATABASE_URL. deploy/compose.yml has all processes.
#
# The digest names the index of all architectures. To renew it, look the new one up with
# `docker buildx imagetools inspect python:3.11-slim-bookworm`; Dependabot proposes it too.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS base

FROM base AS build
WORKDIR /app
COPY requirements/run.txt /build/run.txt
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /build/run.txt \
    && /app/.venv/bin/pip uninstall --yes pip setuptools
COPY . .
# The processes may not write into the image, so everything is compiled here.
RUN rm -r requirements \
    && install --mode 755 bot/cli/adtech.sh .venv/bin/adtech \
    && .venv/bin/python -m compileall -q --invalidation-mode unchecked-hash \
        bot handlers services db scheduler migrations

FROM base
# pg_dump and pg_restore have to be as new as the server (deploy/compose.yml), or newer.
ARG POSTGRES_MAJOR=18
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends "postgresql-client-${POSTGRES_MAJOR}" \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/app/.venv/bin:/usr/lib/postgresql/${POSTGRES_MAJOR}/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080
LABEL org.opencontainers.image.title="bot-adtech" \
    org.opencontainers.image.licenses="Apache-2.0"
# A volume for AUDIT_CHAIN_FILE that is mounted here belongs to the user of the processes.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin adtech \
    && install --directory --owner adtech --group adtech --mode 700 /var/lib/adtech
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8080
# This asks whether the process answers, not whether its database does: a restart would not help. For a
# scheduler, SCHEDULER_HTTP_PORT has to be HTTP_PORT. A container with another program has no check.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as r; e = os.environ; h = '[::1]' if ':' in e['HTTP_HOST'] else '127.0.0.1'; r.build_opener(r.ProxyHandler({})).open(f\"http://{h}:{e['HTTP_PORT']}/api/health/live\", timeout=4)"]
# On SIGTERM both processes take no new work, and finish or give back the work that they have begun.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]
