uncertain-card = ❔ Placement #{ $id }

    Campaign: { $campaign }
    Channel: { $channel }
    Price: { $price }
uncertain-uncertain = Telegram did not say whether this ad was published, and the search for it gave no answer. The money stays held, the ad is not sent again, and other ads for this channel wait. Please look into the channel.
uncertain-unseen = This ad was published, but the bot can't see whether it stayed (promised until { $until }). The money stays held. Please look into the channel.
breach-card = { $breach ->
    [locked_out] This ad was published. Within its promised hours the bot lost its rights in the channel, and did not get them back in time.
   *[altered] This ad was changed a second time, or between two checks that lie far apart, or so that the bot can't restore it.
} The money stays held. If nobody decides until { $until }, the advertiser gets it back.
breach-dismiss = ✋ It doesn't count: let the checks decide
breach-release = 💰 Pay the owner anyway
altered-part = { $part ->
    [button] the link button
    [media] the file, or its spoiler
    [preview] the text or its link preview
   *[text] the text, its formatting or its place
}
check-list = Checks:
check-line = • { $at }: { $verdict ->
    [present] the ad was there
    [altered] the ad was changed: { $parts }
    [gone] the ad was gone
    [stayed] changed or removed after the promised hours, and there until then
   *[unknown] no clear answer
}
check-taken-over = ⚠️ The channel belongs to another person now. The owner of this placement may not have caused what happened since. The money of this placement is still the former owner's, if it is paid out.
check-gap = The ad was last known to be unchanged { $hours } h { $minutes } min before the end of its promised hours.
uncertain-over = { $status ->
    [queued] ↻ It is queued and will be sent again.
    [sending] ↻ It is being sent.
    [success] ✅ It is published, and the bot goes on checking it. Nothing is left to decide now.
    [released] ✅ The owner has been paid; nothing is left to decide.
    [failed] ↩️ It has failed; the money goes back to the advertiser.
    [cancelled] ↩️ It is cancelled; the money goes back to the advertiser.
   *[other] { $status }
}
uncertain-error = Technical cause: { $error }
uncertain-open-channel = 🔗 Open the channel
uncertain-there = ✅ It is there
uncertain-absent = 📤 It is not there: send it
uncertain-refund = ↩️ Refund the advertiser
uncertain-sure = { $act ->
    [refund] Refund placement #{ $id } in { $channel }? { $price } goes back to the advertiser, and the owner is not paid.
    [absent_sure] Send placement #{ $id } to { $channel } again? If the ad is there after all, it is then published twice.
    [dismiss_sure] Put the breach of placement #{ $id } in { $channel } aside? Then the checks decide again, and the owner may get { $price } minus the fee.
   *[release] Pay placement #{ $id } in { $channel }? { $price } minus the fee goes to the owner, and the advertiser gets nothing back.
} This can't be undone.
uncertain-sure-button = { $act ->
    [refund] ↩️ Yes, refund it
    [absent_sure] 📤 Yes, send it again
    [dismiss_sure] ✋ Yes, it doesn't count
   *[release] 💰 Yes, pay the owner
}
uncertain-wait = ⏳ Wait another day
uncertain-release = 💰 It stayed: pay the owner
uncertain-ask-link = Where is it? Copy the link of the post in { $channel } and write here:

    /there { $id } LINK

    The bot checks the post before it accepts the link.
uncertain-there-usage = Usage: /there PLACEMENT LINK, for example /there 12 https://t.me/c/1234567890/56. The link leads to a post of that placement's channel.
uncertain-not-seen = { $trace ->
    [nothing] There is nothing at that link.
    [anothers] What is at that link is not this ad, or was there before it was sent.
   *[unknown] Telegram does not tell whether the ad is at that link. Please try again later.
} Nothing was changed.
uncertain-second-admin = 👥 Placement #{ $id }: one admin says that the ad is message { $message } of the channel, and the bot can't prove it. Another admin has to look at the post and agree. Then the promised hours begin. Nothing was changed yet.
uncertain-agree = ✅ I have looked: it is this ad
uncertain-agree-question = Placement #{ $id }: is message { $message } of the channel this ad? Then its promised hours begin, and the owner is paid after them. This can't be undone.
uncertain-agree-sure = ✅ Yes, it is this ad
uncertain-moved-on = This has been decided already, or the bot has found the answer. Nothing was changed.
uncertain-pay-usage = Usage: /payowner PLACEMENT REASON, for example /payowner 12 I saw the post at 18:00. The reason says how you know that the post stayed.
uncertain-second-release = No check of the bot has ever seen this post. Another admin has to write within 72 hours how they know that it stayed: /payowner { $id } REASON. The money stays held until then.
uncertain-waits = The bot keeps checking the post. You are asked again in a day.
command-there = Send the link of an uncertain post
command-payowner = Pay the owner for a post that no check has seen

notice-telegram-down = 🔌 Telegram is down (incident { $id }). Sending has stopped automatically. Posts wait, and no attempts are counted.
notice-telegram-back = ✅ Telegram answers again (incident { $id }, { $minutes } min). Sending goes on.
notice-channel-unseen = Until then, the ads published there can't be checked. If this lasts a day, the admins decide about them.
