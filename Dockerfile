# One image for the bot, the clock and the command line; the command says which.
#
#   docker build -t bot-adtech .
#   docker run --env-file .env bot-adtech                       the bot
#   docker run --env-file .env bot-adtech python -m scheduler   the clock
#   docker run --env-file .env bot-adtech python -m bot.cli     the command line
#
# Migrations run before, with MIGRATION_DATABASE_URL given to that one container alone.

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
# Both processes stop taking work on SIGTERM and finish or hand back what is under way.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]
