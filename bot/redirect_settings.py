"""Define the settings of the redirect. `.env.example` explains each setting."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from bot.setting_types import DatabaseUrl, Networks, Port
from bot.settings import FromEnvironment


class RedirectSettings(FromEnvironment):
    """The settings of the redirect. It gets no others, and needs neither Telegram nor Redis."""

    redirect_database_url: DatabaseUrl
    http_host: str = "127.0.0.1"
    redirect_port: Annotated[int, Field(ge=0, le=65_535)] = 8085
    redirect_metrics_port: Port = None
    trusted_proxies: Networks = ()
    links_file: Path | None = None
