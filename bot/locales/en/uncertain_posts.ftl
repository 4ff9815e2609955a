uncertain-card = ❔ Placement #{ $id }

    Campaign: { $campaign }
    Channel: { $channel }
    Price: { $price }
uncertain-uncertain = Telegram did not say whether this ad was published, and looking for it did not tell either. The money stays held, nothing is sent again and this channel waits. Please look into the channel.
uncertain-unseen = This ad was published, and it can't be seen whether it stayed (promised until { $until }). The money stays held. Please look into the channel.
uncertain-over = { $status ->
    [queued] ↻ It is queued and goes out again.
    [sending] ↻ It is being sent.
    [success] ✅ It is in the channel; nothing is left to decide.
    [failed] ↩️ It has failed; the money goes back to the advertiser.
    [cancelled] ↩️ It is cancelled; the money goes back to the advertiser.
   *[other] { $status }
}
uncertain-error = What was heard of Telegram: { $error }
uncertain-there = ✅ It is there
uncertain-absent = 📤 It is not there: send it
uncertain-refund = ↩️ Refund the advertiser
uncertain-wait = ⏳ Wait another day
uncertain-release = 💰 It stayed: pay the owner
uncertain-ask-link = Where is it? Copy the link of the post in { $channel } and write here:

    /there { $id } LINK

    The post is looked at before it counts.
uncertain-there-usage = Usage: /there PLACEMENT LINK, for example /there 12 https://t.me/c/1234567890/56. The link leads to a post of that placement's channel.
uncertain-not-seen = { $trace ->
    [nothing] There is nothing at that link.
    [anothers] What is at that link is not this ad, or was there before it was sent.
   *[unknown] Telegram does not tell whether the ad is at that link. Please try again later.
} Nothing was changed.
uncertain-moved-on = This has been decided already, or has resolved itself. Nothing was changed.
uncertain-waits = It is looked at further; you are asked again in a day.
command-there = Say where a doubtful post is

notice-telegram-down = 🔌 Telegram stopped answering (incident { $id }). Sending stopped by itself; posts wait and lose no attempts.
notice-telegram-back = ✅ Telegram answers again (incident { $id }, { $minutes } min). Sending goes on.
notice-channel-unseen = Ads that are out there can't be looked at meanwhile; if that lasts a day, the admins decide about them.
