"""What a person wants to say."""

from sandbox import formatting, media, messages
from sandbox.control.world import Order
from sandbox.messages import Draft


def from_order(order: Order) -> Draft:
    """What the body wants to say: a text, or a photo, video or animation with a caption."""
    entities = order.get("entities", list)
    kind = next((kind for kind in messages.MEDIA if order.flag(kind)), None)
    if kind is None:
        text = formatting.understand(order.get("text", str) or "", None, entities)
        return Draft(messages.text_fields(text))
    caption = formatting.understand(
        order.get("caption", str) or order.get("text", str) or "", None, entities
    )
    content = messages.caption_fields(caption)
    file = media.keep(order.state, kind, media.sample(kind))
    return Draft(content | media.fields(file))
