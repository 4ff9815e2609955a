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
campaign-change = ✏️ Change the draft
campaign-topic = 🏷 Topic: { $topic ->
    [none] not chosen
   *[other] { $topic }
}
ad-topic-ask = 🏷 What is the ad of “{ $name }” about?

    Some channels accept ads of most topics at once, without asking their owner. They ask about ads without a topic. Choose what fits best: the owner and the admins see the topic with the ad.
buy-topic-hint = 🏷 This channel accepts some ads at once, but only ads with a topic. Choose the topic first, or the owner is asked.
buy-topic = 🏷 Choose the topic of the ad
campaign-copy = 📑 Copy
campaign-raise = 💰 Raise the budget
campaign-raise-ask = 💰 { $name }

    Budget: { $budget }, left: { $left }

    What should the whole budget be? It can only become higher. For example: { $example }
campaign-delete = 🗑 Delete the draft
campaign-delete-question = Delete the draft “{ $name }” for good? Nothing was bought with it.
campaign-delete-sure = 🗑 Yes, delete it
campaign-cancel = 🗑 End the campaign
campaign-cancel-question = End “{ $name }” for good?

    Placements that wait for a decision are taken back. Posts that are not published yet are cancelled, and you get their price back. Published posts stay for their promised hours.
campaign-cancel-sure = 🗑 Yes, end it

campaign-name-ask = ➕ New campaign

    What is it called? Only you and the admins see the name.
campaign-ad-ask = Now send the ad itself, exactly as it should look: a text with formatting, or one photo, video, GIF or document with a caption, or an album. You can also forward a post: I publish it as a new one.
campaign-button-ask = Should there be a link button under the ad? Send the text of the button, or skip it.
campaign-url-ask = Where does the button lead? Send the address, for example https://example.com
campaign-budget-ask = What is the budget of the campaign? All placements together can't cost more than this. For example: { $example }
campaign-preview = 👆 This is the ad, exactly as it will be published.

    Campaign: { $name }
    Budget: { $budget }

    Is it right? If not, change a part of it, or send another ad, and it replaces this one.
campaign-change-name = ✏️ Name
campaign-change-budget = 💰 Budget
campaign-change-text = 📝 Text
campaign-change-file = 📎 File
campaign-change-button = 🔘 Button
campaign-change-preview = 🔗 Link preview
campaign-text-ask = 📝 Send the new text, with its formatting. The rest of the ad stays.
campaign-no-text = 🚫 Without a text
campaign-file-ask = 📎 Send a photo, video, GIF or document. The text and the button of the ad stay; what you write below the file is not taken.
campaign-no-file = 🚫 Without a file
campaign-preview-ask = 🔗 How should the preview of the link look? The site that it shows may change it later, so I can't hold such a change against the owner of a channel: money never moves by itself because of it.
campaign-preview-choice = { $choice ->
    [off] 🚫 No preview
    [small] ▫️ Small
    [large] ⬜️ Large
    [above] ⬆️ Above the text
    [below] ⬇️ Below the text
   *[auto] 🔗 As Telegram chooses
}
ad-losses = ⚠️ This will be different in the channel. Go on, or send another ad.
ad-loss = • { $loss ->
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
ad-kind = I can publish a text, or one photo, video, GIF or document with a caption, or an album. Stickers, polls, voice and video messages, music, contacts and places can't be an ad. Please send one of the first.
ad-album-ask = 🖼 An album: { $count ->
    [one] 1 file has
   *[other] { $count } files have
} come. An album can't have a link button, because Telegram allows none. Go on without a button when all files are here, or send another ad.
ad-album-go-on = ✅ Go on without a button
ad-album-other = 🔁 Another ad
ad-album-whole = 🖼 This ad is an album, without a link button. To change it, send another album or another ad here.
ad-album-incomplete = Only one file of the album has come. Please wait for the others, or send the album again.
ad-album-former = This file belongs to an album that I don't take. To use it, please send the whole album again.
ad-album-part = That is an album, which replaces the whole ad. Please go back and send it at the preview.
ad-album-refused = { $why ->
    [number] An album has at most 10 files. Please send it again with fewer.
    [mixed] Photos and videos can be in one album, and documents in another one, but not together. Please send them separately.
   *[kind] An album can have photos and videos, or documents; something else in it can't be published. Please send the album again without it.
}
ad-text-needed = That is not a text. Please send the new text of the ad, or go back.
ad-file-needed = That has no file. Please send a photo, video, GIF or document, or go back.
ad-refused = Telegram does not accept this ad as it is. Please check the formatting and the link, and send it again.

buy-campaign = 🛒 For which campaign?
buy-no-campaign = 🛒 You need an active campaign first: make one, activate it, and come back.
buy-campaign-row = 📣 { $name }
buy-at-once = ⚡ As soon as approved
buy-later = 🕒 At a time I choose
time-twice = On that day the clocks are set back, so this time comes twice. Please send the one that you mean: { $first } (the earlier one) or { $second } (the later one).
time-wrong = I can't read that as a date and a time. Please send it like 2030-12-31 18:00, in your time zone { $zone } (an hour that is skipped when the clocks change does not exist).
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
    [split] split after the complaint: { $back } is back in your wallet, the rest is paid to the owner
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
