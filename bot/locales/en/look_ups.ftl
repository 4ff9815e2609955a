card-advertiser = 👤 The advertiser, since { $since }: { $kept } placements kept to the end, { $refunded } refunded, { $rejected } rejected, { $withdrawn } taken back{ $taken_back ->
    [0] .
    [one] . One payment was taken back outside of the platform.
   *[other] . { $taken_back } payments were taken back outside of the platform.
}
card-waiting = ⏱ Waits for { $age }.
card-new-advertiser = ⚠️ New advertiser: none of their ads has stayed to the end yet.
card-price-jump = ⚠️ The price is at least twice the usual one of this channel ({ $usual }).
card-new-link = ⚠️ The first ad of this advertiser with a link to { $words }.
card-watched = ⚠️ Watched words: { $words }
card-take = 👀 I am reading it
card-give-back = 👋 Let others read it
card-reader = 👀 { $by } is reading it until { $until }.
card-taken = { $taken ->
    [yes] Your colleagues see that you are reading it.
   *[no] Another admin is reading it. You can still decide.
}
reject-usage = Write the number of the placement and the reason, for example: /reject 12 The link does not work
look-up-usage = { $what ->
    [user] Nobody was found. Write a Telegram id, or # and the person's number here: /user 123456789 or /user #12
    [campaign] No campaign was found. Write its number: /campaign 12
    [placement] No placement was found. Write its number: /placement 12
   *[channel] No channel was found. Write its number, its name or a link: /channel 12 or /channel @daily
}
look-up-person = 👤 Person #{ $id }

    Telegram id: { $telegram_id }
    Since: { $since }
    Language: { $language }
    Roles: { $roles ->
        [none] none
       *[other] { $roles }
    }
    { $blocked ->
        [yes] ⛔ Blocked
       *[no] Not blocked
    }

    Available: { $available }
    In escrow: { $held }
    Being withdrawn: { $leaving }
    Owes: { $loss ->
        [none] nothing
       *[other] { $loss }
    }
look-up-person-row = 👤 Person
look-up-campaign-row = 📣 #{ $id } · { $name }
look-up-channel-row = 📺 #{ $id } · { $title }
look-up-placement-row = #{ $id } · { $channel } · { $price } · { $status ->
    [pending] ⏳ waits
    [approved] ✅ approved
    [posted] ✅ paid
    [refunded] ↩️ refunded
    [rejected] ❌ rejected
    [withdrawn] taken back
   *[expired] expired
}
look-up-campaign = 📣 Campaign #{ $id }: { $name }

    Advertiser: { $advertiser }
    { $status ->
        [draft] Draft
        [active] Active
        [paused] Paused
        [completed] Completed
       *[cancelled] Cancelled
    }, since { $since }
    Budget: { $budget }, of which { $left } is left
look-up-channel = 📺 Channel #{ $id }: { $title } ({ $address ->
        [private] private
       *[other] t.me/{ $address }
    })

    Owner: { $owner }
    { $status ->
        [pending] Not on offer yet
        [active] On offer
        [paused] Paused
        [suspended] Suspended
       *[removed] Removed
    }, since { $since }
    Price: { $price ->
        [none] none yet
       *[other] { $price }
    }
    Subscribers: { $subscribers }
watched-words = 👁 The card of a placement warns about these words in an ad, its button or its links. Press one to remove it. To add one: /watch casino
watched-words-none = 👁 No word is watched. The card of a placement can warn about words in an ad, its button or its links: /watch casino
watched-word-remove = 🗑 { $word }
command-reject = Reject a placement in own words
command-user = Look up a person
command-campaign = Look up a campaign
command-placement = Look up a placement
command-channel = Look up a channel
command-watch = Words to warn about
