"""Define what the redirect counts for Prometheus."""

from prometheus_client import Counter, Gauge

REQUESTS = Counter("adtech_redirect_requests", "Requests for tracked links", ["result"])
"""The results are `redirected`, `unknown` (no link that works) and `refused` (no such request)."""
LOST = Counter("adtech_clicks_lost", "Clicks that could not be counted")
WAITING = Gauge("adtech_clicks_waiting", "Clicks that wait for PostgreSQL")
LINKS = Gauge("adtech_tracked_links", "Tracked links that work")
