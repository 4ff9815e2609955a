# One image for the bot, the scheduler and the command line. The command chooses one of them.
#
#   docker build -t bot-adtech .
#   docker run --env-file .env bot-adtech                       the bot
#   docker run --env-file .env bot-adtech python -m scheduler   the scheduler
#   docker run --env-file .env bot-adtech python -m bot.cli     the command line
#
# Migrations run before. Only their container gets MIGRATION_DATABASE_URL.

FROM python:3.11.14-slim-bookworm AS build
COPY requirements/run.txt /build/run.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /build/run.txt \
    && /venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP_HOST=0.0.0.0
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin adtech
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
USER adtech
EXPOSE 8080
# On SIGTERM both processes take no new work, and finish or give back the work that they have begun.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]
