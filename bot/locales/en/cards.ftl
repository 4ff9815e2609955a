card-title = 📺 { $title }
card-invite = { $link ->
    [none] 🔒 Private: you can't look inside before you buy.
   *[other] 🔗 The owner's link into it: { $link }
}
card-growth = 📈 { $difference } subscribers{ $percent ->
    [none] {""}
   *[other] {" "}({ $percent } %)
} since { $since }, by Telegram's count of each day
card-growth-new = 📈 The growth is counted since { $since }, and shown from the second day on
card-jump = ⚠️ A jump: { $difference } subscribers{ $percent ->
    [none] {""}
   *[other] {" "}({ $percent } %)
} from { $since } to { $until }. { $way ->
    [up] It may be an ad for the channel, or bought subscribers.
   *[down] It may be that Telegram has removed bought subscribers.
}
card-posts = ✍️ { $posts ->
    [none] The bot counts the posts since { $since }; the average of a day follows tomorrow
   *[other] Posts a day: { $posts }, without the ads sold here (counted by the bot since { $since })
}
card-posts-none = ✍️ The bot has counted no post in the last 30 days
card-reactions = ❤️ Reactions to a post: { $reactions } (the middle one of the { $posts ->
    [one] post
   *[other] { $posts } posts
} of the last 30 days that are at least 12 hours old, told by Telegram)
card-ads = 📢 { $ads ->
    [0] The bot has published no ad here
   *[other] Ads sold here: { $average } a day ({ $ads } published by the bot)
} in the last { $days ->
    [one] day
   *[other] { $days } days
}
card-clicks = 🔗 Clicks of earlier ads: { $median } (median; { $ads ->
    [one] one ad was measured
   *[other] { $ads } ads were measured
} by the bot until { $at }){ $price ->
    [none] {""}
   *[other] . A click cost { $price }
}
card-formats = 🏷 Formats (hours without a newer post / all hours), price, and price for 1,000 subscribers:
card-format = • { $kind }: { $price }{ $thousand ->
    [none] {""}
   *[other] {" "}· { $thousand }
}
card-any-time = 🕒 Ads are published at any time
card-hours = 🕒 Ads { $hours ->
    [all] at all hours
   *[some] from { $opens } to { $closes }
}, { $weekdays ->
    [all] every day
   *[some] { $weekdays }
} ({ $zone })
card-free = { $times ->
    [none] No free time in the next 31 days
   *[other] Next free times: { $times }
}
card-creator = ✅ Telegram said on { $at } that the owner is the channel's creator
card-short = { $name ->
    [none] 🔒 private
   *[other] @{ $name }
} · 👥 { $subscribers }{ $at ->
    [none] {""}
   *[other] {" "}(Telegram, { $at })
}{ $growth ->
    [none] {""}
   *[other] {" "}· 📈 { $growth } in { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
}{ $jump ->
    [yes] {" "}· ⚠️ a jump
   *[no] {""}
}{ $posts ->
    [none] {""}
   *[other] {" "}· ✍️ { $posts } a day
}{ $reactions ->
    [none] {""}
   *[other] {" "}· ❤️ { $reactions }
}
card-question = { $offered ->
    [yes] Buy a placement here?
   *[no] ⛔ This channel is not offered any more. Please go back and choose another one.
}
card-buy = 🛒 Buy here
card-open = 🔎 Open the channel
card-draw = 📈 Picture of the growth
card-draw-caption = 📈 { $title }: subscribers by day, told by Telegram, from { $since } to { $until } (UTC). The highest bar is { $highest }.
card-share = 🔗 Share
card-share-words = Buy an ad in “{ $title }”
card-share-owner = 🔗 This link opens the card of “{ $title }” with the button to buy:

    { $link }

    { $offered ->
        [yes] Post it in your channel or put it into its description.
       *[no] The channel is not on offer now, so the link shows nothing until you offer it again.
    }
card-as-buyer = 👁 As buyers see it
card-missing = This channel is not on offer, or the link is wrong. Please choose another channel.
card-campaign-missing = You have no such campaign: the link is wrong, or it was made for somebody else. Your own campaigns are here:
card-campaign = 🛒 For which campaign do you want to buy a post in “{ $title }”?
card-no-campaign = 🛒 To buy a post in “{ $title }”, you need an active campaign: the ad and a budget. Create one now, and then go on here.
card-campaign-saved = ✅ The campaign “{ $name }” is saved as a draft. Activate it, and go on with the post in “{ $title }”.
card-activate = 🚀 Activate and buy
card-invite-set = 🔗 Link for buyers
card-invite-ask = 🔗 “{ $title }” is private, so buyers can't look inside. { $link ->
    [none] Send an invite link, for example https://t.me/+AbCdEfGhIjKlMnOp. You make one in Telegram: channel, “Invite links”.
   *[other] Buyers see this link now: { $link }. Send another one to replace it.
} Everybody who opens the card of the channel can use it.
card-invite-remove = 🗑 Remove the link
error-invite-link-wrong = This is no invite link of a channel. Please send one like https://t.me/+AbCdEfGhIjKlMnOp: in Telegram, open the channel, “Invite links”, and copy it.
