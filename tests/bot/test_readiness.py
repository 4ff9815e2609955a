"""Test that the bot is ready only after the newest migration."""

from pathlib import Path

from bot import readiness


def test_the_needed_revision_is_the_newest_migration() -> None:
    versions = Path(__file__).parents[2] / "migrations/versions"
    newest = max(path.name.partition("_")[0] for path in versions.glob("0*.py"))
    assert newest == readiness.REVISION
