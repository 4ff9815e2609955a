channels = 📺 Your channels
channels-none = 📺 You have connected no channel yet.
channels-row = { $status ->
    [active] 🟢
    [pending] ✏️
    [paused] ⏸
    [suspended] ⚠️
   *[other] ⚪️
} { $title }
channel = 📺 { $title }

    Status: { $status ->
        [pending] set a price to offer it
        [active] on offer
        [paused] paused
        [suspended] suspended
        [removed] removed
       *[other] { $status }
    }
    Subscribers: { $subscribers }
    Price of a post: { $price }
    A post stays: { $hours }
    Topic: { $topic }
channel-suspended-why = { $reason ->
    [bot_removed] I am not an admin of the channel any more. Make me an admin with the right to post again.
    [no_post_right] I have lost the right to post in the channel. Give it back to me.
    [channel_gone] Telegram says that the channel does not exist or is private. If it exists, make me an admin with the right to post.
    [owner_blocked] The owner is blocked.
    [owner_gone] The owner's Telegram account does not exist any more.
    [not_creator] Its owner here is not its creator any more. The creator can connect it.
   *[other] I can't post in the channel. Make me an admin with the right to post.
}
channel-connect = ➕ Connect a channel
channel-choose = Choose one of the channels that you created. Telegram will make me an admin with the right to post, and no other right.
channel-choose-button = 📺 Choose a channel
channel-connected = ✅ “{ $title }” is connected.
channel-no-right = I can't post in that channel. Make me an admin there with the right to post messages, then choose it again.
channel-not-creator = Only the creator of a channel can connect it. Choose a channel that you created yourself.
channel-no-right-admin = The bot can't post in this channel any more, so the placement can't be approved now. The channel is suspended.
channel-not-creator-admin = The owner of this placement is not the channel's creator any more, so it can't be approved. The channel is suspended.
channel-terms = ✏️ Price and terms
channel-pause = ⏸ Pause
channel-resume = ▶️ Offer it again
channel-remove = 🗑 Remove
channel-remove-question = Remove “{ $title }”? It will not be offered any more. Published posts stay for their promised hours.
channel-remove-sure = 🗑 Yes, remove it
terms-price-ask = What does one post cost? For example: { $example }
terms-hours-ask = A post costs { $price }.

    How many hours does a post stay? Send a whole number from 0 to { $most }. With 0 you are paid as soon as the post is published.
hours-wrong = Please send a whole number of hours from 0 to { $most }.
terms-topic-ask = What is the channel about? One or two words are enough, at most { $limit } characters.
