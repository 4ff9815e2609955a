story = 📖 What has happened
story-of = 📖 Placement #{ $id }: what has happened
story-earlier = … { $count ->
    [one] { $count } earlier step
   *[other] { $count } earlier steps
}
story-open = 📖 The whole story
story-line = { $at } · { $what }
story-step = { $what ->
    [submitted] submitted
    [changed] ad or terms changed: version { $version }
    [asked] { $who ->
        [owner] the owner asked for a change
       *[moderator] an admin asked for a change
    }: { $reason }
    [accepted] { $who ->
        [owner] the owner agreed
        [manager] a manager of the channel agreed
       *[rule] the channel's rule agreed
    }{ $version ->
        [1] {""}
       *[other] {" "}to version { $version }
    }
    [declined] { $who ->
        [owner] the owner declined
       *[manager] a manager of the channel declined
    }: { $reason }
    [approved] approved by an admin, the price is held
    [rejected] rejected by an admin: { $reason }
    [withdrawn] taken back by the advertiser
    [expired] ended, because nobody decided in time
    [cancelled] cancelled by the advertiser: { $reason }
    [published] 🟢 published
    [gone] 🗑 the bot found that the post was gone
    [republishing] the owner lets the bot publish the post again
    [republished] 🟢 published again, the promised time began anew
    [covered] ⬆️ a newer post came above it too early
    [checked] { $count ->
        [one] checked once
       *[other] checked { $count } times, here the last time
    }: { $reason }
    [ended] the promised { $count } h are over
    [paid] ✅ { $to ->
        [owner] you were paid { $amount }
       *[advertiser] the owner was paid
    }
    [refunded] ↩️ { $amount } went back to { $to ->
        [owner] the advertiser
       *[advertiser] you
    }: { $reason }
    [taken_down] { $reason ->
        [done] taken down by the bot
       *[refused] the bot could not take it down
    }
   *[other] { $what }
}
story-verdict = { $verdict ->
    [present] it was there, unchanged
    [altered] it was changed
    [gone] it was not there
    [stayed] it stayed until the end
   *[unknown] Telegram gave no clear answer
}
story-wish = { $kind ->
    [format] another format
    [price] another price
    [time] another time
   *[words] { $wish }
}
refund-reason = { $reason ->
    [cancelled] the placement was cancelled
    [stopped] the campaign ended, or its advertiser was blocked
    [removed] the post was removed too early
    [breach] a promise about the post was broken
    [decided] an admin decided so
    [split] the price was split after a complaint
   *[unpublished] the post was not published
}
placement-copy = 📄 Send me a copy of the post
placement-copy-failed = The post can't be copied now: it is not in the channel any more, or I lost my rights there.
