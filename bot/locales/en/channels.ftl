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
channel-sold = 📋 Ads in this channel
channel-sold-list = 📋 { $title }: { $part ->
    [waiting] { $found ->
        [yes] these ads wait for your answer or for an admin, the newest first:
       *[no] no ad waits for an answer or for an admin.
    }
    [live] { $found ->
        [yes] these ads are approved or published, the newest first:
       *[no] no ad is approved or published now.
    }
   *[past] { $found ->
        [yes] these ads are over, the newest first:
       *[no] no ad is over yet.
    }
}
channel-sold-part = { $part ->
    [waiting] ⏳ Waiting
    [live] 🟢 Live
   *[past] 🗂 Past
} ({ $count })
channel-topic = Topic: { $topic }
channel-suspended-why = { $reason ->
    [bot_removed] I am not an admin of the channel any more. Make me an admin with the right to post again.
    [no_post_right] I have lost the right to post in the channel. Give it back to me.
    [channel_gone] Telegram says that the channel does not exist or is private. If it exists, make me an admin with the right to post.
    [owner_blocked] The owner is blocked.
    [owner_gone] The owner's Telegram account does not exist any more.
    [not_creator] Its owner here is not its creator any more. The creator can connect it.
    [removed_early] Three ads in it were removed before their promised time within 30 days. An admin looks at this before the channel is offered again. Its owner can write to the support: /paysupport
   *[other] I can't post in the channel. Make me an admin with the right to post.
}
channels-waiting = ⏳ Waiting for my answer ({ $waiting })
channels-sold = 📢 Ads in my channels
channels-earnings = 📈 My earnings
channel-connect = ➕ Connect a channel
channel-choose = Choose one of the channels that you created or administer. Telegram will make me an admin with the right to post, and no other right. If you are not the creator, you get a link for the creator.
channel-choose-button = 📺 Choose a channel
channel-connected = ✅ “{ $title }” is connected.
channel-no-right = I can't post in that channel. Make me an admin there with the right to post messages, then choose it again.
channel-not-creator = For Telegram, you are neither the creator nor an administrator of that channel. Choose a channel where you are one of them.
channel-no-right-admin = The bot can't post in this channel any more, so the placement can't be approved now. The channel is suspended.
channel-not-creator-admin = The owner of this placement is not the channel's creator any more, so it can't be approved. The channel is suspended.
channel-terms = ✏️ Price and terms
channel-rule = 🤝 Answers to ads
channel-pause = ⏸ Pause
channel-resume = ▶️ Offer it again
channel-remove = 🗑 Remove
channel-remove-question = Remove “{ $title }”? It will not be offered any more. Published posts stay for their promised hours.
channel-remove-sure = 🗑 Yes, remove it
terms-price-ask = What does one post cost? For example: { $example }
terms-price-sure = The price was { $present }, and now it would be { $price }. Of this, you get { $share }. Is it right?
terms-price-yes = ✅ Yes, it is right
terms-hours-ask = A post costs { $price }: you get { $share }, and the platform's fee is { $fee }.

    How many hours does a post stay? 2/48 means: in the first 2 hours no newer post comes after it, and it stays for 48 hours. You are paid after these hours.

    Choose, or send other hours (from 1 to { $most }), for example 36 or 2/36.
hours-wrong = Please send whole hours from 1 to { $most }, for example 36. Or two numbers, the hours without a newer post and all hours, for example 2/36.

sold = 📢 Ads in your channels
sold-none = 📢 Nobody has bought a placement in your channels yet.
sold-placement = 📢 Placement #{ $id } in { $channel }

    Price: { $price }
    You get: { $share } (the platform's fee is { $fee })
    Stays: { $stays }
    { $published ->
        [yes] Published
       *[no] To be published
    }: { $when }
    Status: { $state }
sold-state = { $state ->
    [asked] ⏳ waits for your answer
    [pending] ⏳ you have accepted, waits for an admin
    [queued] 📬 approved, waits to be published
    [sending] 📬 is being published
    [uncertain] ❔ we are finding out whether it was published
    [complained] ⚠️ a complaint is open, and the money is held
    [disputed] ⚖️ the admins decide: the ad was changed, or I lost my rights in the channel
    [live] 🟢 published: do not change it during the promised time
    [posted] ✅ done, you have been paid
    [failing] ↩️ was not published or did not stay in the channel, you are not paid for it
    [refunded] ↩️ the advertiser got the money back
    [cancelled] ↩️ cancelled by the advertiser before its time
    [rejected] ❌ rejected by an admin
    [declined] ❌ declined by you
    [withdrawn] taken back by the advertiser
    [expired] nobody decided in time
   *[other] { $state }
}
sold-escrow = Money: { $status ->
    [held] held in escrow for you
    [released] paid to you
    [split] split after the complaint: { $back } went back to the advertiser
    [refunded] back in the advertiser's wallet
   *[other] { $status }
}
earnings = 📈 Your channels earned { $total } in the last { $weeks } weeks, after the platform's fee. Weeks begin on Monday.
earnings-none = 📈 Your channels have earned nothing in the last weeks. You are paid when a post has stayed for its promised time.
earnings-week = { $monday }: { $amount } · { $placements ->
    [one] { $placements } placement
   *[other] { $placements } placements
}
earnings-draw = 🖼 Picture
earnings-caption = 📈 Your earnings of the last { $weeks } weeks. The highest bar is { $highest }.
