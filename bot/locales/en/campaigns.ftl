campaigns = 📣 Your campaigns
campaigns-none = 📣 You have no campaigns yet. Make the first one:
campaigns-row = { $status ->
    [draft] ✏️
    [active] 🟢
    [paused] ⏸
    [completed] 🏁
   *[other] ⚪️
} { $name }
campaign-new = ➕ New campaign
campaign = 📣 { $name }

    Number: { $id }
    Status: { $status ->
        [draft] draft (activate it to buy placements)
        [active] active
        [paused] paused: no new posts are published
        [cancelled] cancelled
        [completed] completed
       *[other] { $status }
    }
    Budget: { $budget }
    Budget left: { $left }
campaign-activate = 🚀 Activate
campaign-pause = ⏸ Pause
campaign-resume = ▶️ Resume
campaign-ad = 👁 Show the ad
campaign-cancel = 🗑 End the campaign
campaign-cancel-question = End “{ $name }” for good?

    Placements that wait for a decision are taken back. Posts that are not published yet are cancelled, and you get their price back. Published posts stay for their promised hours.
campaign-cancel-sure = 🗑 Yes, end it

campaign-name-ask = ➕ New campaign

    What is it called? Only you and the admins see the name.
campaign-ad-ask = Now send the ad itself, exactly as it should look: a text with formatting, or one photo, video or GIF with a caption.
campaign-button-ask = Should there be a link button under the ad? Send the text of the button, or skip it.
campaign-url-ask = Where does the button lead? Send the address, for example https://example.com
campaign-budget-ask = What is the budget of the campaign? All placements together can't cost more than this. For example: { $example }
campaign-preview = 👆 This is the ad, exactly as it will be published.

    Campaign: { $name }
    Budget: { $budget }

    Is it right? If not, send another ad, and it replaces this one.
ad-losses = ⚠️ This will be different in the channel. Go on, or go back and send another ad.
ad-loss = • { $loss ->
    [link_preview] Links have no preview below the text.
    [custom_emoji] Custom emoji become ordinary emoji.
    [mention] Mentions of people without a username become plain text.
    [quote] The quoted message is not there.
    [origin] It is not marked as forwarded or as sent through another bot.
    [buttons] Its buttons are not there. You can add one link button.
    [effect] The message effect is not there.
    [live_photo] The live photo becomes a still photo.
    [video_start] The video's cover and its start time are not there.
   *[formatting] A kind of formatting that I don't know becomes plain text.
}
ad-kind = I can publish a text, or one photo, video or GIF with a caption. Please send one of these, not an album.
ad-refused = Telegram does not accept this ad as it is. Please check the formatting and the link, and send it again.

buy-campaign = 🛒 For which campaign?
buy-no-campaign = 🛒 You need an active campaign first: make one, activate it, and come back.
buy-campaign-row = 📣 { $name }
buy-at-once = ⚡ As soon as approved
buy-later = 🕒 At a time I choose
time-twice = On that day the clocks are set back, so this time comes twice. Please send the one that you mean: { $first } (the earlier one) or { $second } (the later one).
time-wrong = I can't read that as a date and a time. Please send it like 2030-12-31 18:00 (an hour that is skipped when the clocks change does not exist).
buy-confirm = 🛒 Please check

    Campaign: { $campaign }
    Channel: { $channel }
    { $facts }
    Price: { $price }
    Stays: { $stays }
    To be published: { $when }

    Left of the budget: { $left }, after this: { $after }

    { $record }

    First the owner of the channel answers, then an admin checks the ad. The price is held when an admin approves the placement. The owner is paid at the end of the promised time, but not within { hours } of the publication: until then you can complain about the post.
terms-changed = The owner has just changed the terms. Please look at them again:
buy-done = { $asked ->
    [yes] ✅ Sent to the owner of the channel, who answers first. After that, an admin checks it.
   *[no] ✅ The owner accepts such ads. An admin will check it now.
}
buy-funds-missing = 💰 Nothing was submitted: { $missing } is missing in your wallet for this placement and for your others that wait. Press “💳 Top up”, pay, and press “✅ Submit” here again.
buy-top-up = 💳 Top up

placements = 📋 Your placements
placements-none = 📋 You have no placements yet.
placements-row = { $state ->
    [pending] ⏳
    [asked] ⏳
    [queued] 📬
    [sending] 📬
    [uncertain] ❔
    [live] 🟢
    [complained] ⚠️
    [disputed] ⚖️
    [posted] ✅
    [failing] ↩️
    [refunded] ↩️
    [cancelled] ↩️
    [rejected] ❌
    [declined] ❌
   *[other] ⚪️
} #{ $id } · { $channel }
placement = 📋 Placement #{ $id }

    Campaign: { $campaign }
    Channel: { $channel }
    Price: { $price }
    Stays: { $stays }
    { $published ->
        [yes] Published
       *[no] To be published
    }: { $when }
    Status: { $state }
placement-state = { $state ->
    [asked] ⏳ waits for the owner of the channel
    [pending] ⏳ the owner has accepted, waits for an admin
    [queued] 📬 approved, waits to be published
    [sending] 📬 is being published
    [uncertain] ❔ we are finding out whether it was published
    [complained] ⚠️ a complaint is open, and the money is held
    [disputed] ⚖️ the admins decide: the ad was changed, or I lost my rights in the channel
    [live] 🟢 published
    [posted] ✅ done, the owner has been paid
    [failing] ↩️ was not published or did not stay in the channel, the money comes back
    [refunded] ↩️ refunded
    [cancelled] ↩️ cancelled by you, refunded
    [rejected] ❌ rejected
    [declined] ❌ declined by the owner of the channel
    [withdrawn] taken back
    [expired] nobody decided in time
   *[other] { $state }
}
placement-asked = The owner can answer until { $until }. No money is taken before an admin approves.
placement-reason = Reason: { $reason }
placement-escrow = Money: { $status ->
    [held] held in escrow
    [released] paid to the owner
    [refunded] back in your wallet
   *[other] { $status }
}
placement-covered = ⬆️ A newer post came above it at { $at }, within its promised hours on top: { $link }
placement-until = Promised until: { $at }
placement-withdraw = 🗑 Take it back
placement-withdraw-question = Take back placement #{ $id } in { $channel }? It ends for good, and nothing is charged.
placement-withdraw-sure = 🗑 Yes, take it back
placement-moved-on = This has been decided already. Nothing was changed.
placement-open = 🔗 Open the post
placement-card = 📋 Open the placement
