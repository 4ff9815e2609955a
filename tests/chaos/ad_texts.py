"""Replace the text of an ad, which an album has below its first item."""

from dataclasses import replace

from services.market.creatives import Creative


def with_text(creative: Creative, text: str) -> Creative:
    """Return the same ad with another text."""
    if not creative.items:
        return replace(creative, text=text)
    first, *others = creative.items
    return replace(creative, items=(replace(first, text=text), *others))
