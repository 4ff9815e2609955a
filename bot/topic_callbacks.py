"""Define the data of the buttons about the topics of ads."""

from aiogram.filters.callback_data import CallbackData


class ShowAdTopics(CallbackData, prefix="ad_topics"):
    """The data of a button that asks for the topic of a campaign's ad."""

    id: int


class SetAdTopic(CallbackData, prefix="ad_topic"):
    """The data of a button that chooses the topic of a campaign's ad.

    The database function `set_ad_topic` knows this data.
    """

    id: int
    topic: str


class ShowRuleTopics(CallbackData, prefix="rule_topics"):
    """The data of a button that shows the topics about which a channel's rule asks the owner."""

    id: int


class SetRuleTopic(CallbackData, prefix="rule_topic"):
    """The data of a button that excludes a topic from a channel's rule, or includes it again.

    The database function `set_rule_topic` knows this data.
    """

    id: int
    topic: str
    excluded: bool
