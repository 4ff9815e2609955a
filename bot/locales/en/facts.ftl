channel-facts = 👥 { $subscribers } { $subscribers ->
    [one] subscriber
   *[other] subscribers
} · { $name ->
    [none] private, without a public name
   *[other] https://t.me/{ $name }
}{ $picture ->
    [yes] {""}
   *[no] {" "}· no picture
}
channel-facts-about = ℹ️ { $description }
channel-facts-timer = ⏱ Telegram deletes new posts after { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}
channel-facts-protected = 🔒 Posts can't be forwarded or saved
channel-facts-age = As Telegram said on { $at }
channel-facts-unread = Telegram will be asked about this channel in a moment
channel-facts-rights = What I may do there: { $rights }
channel-right = { $right ->
    [can_post_messages] post
    [can_edit_messages] edit posts of others
    [can_delete_messages] delete posts of others
   *[other] nothing
}
channel-facts-short = ⛔ A post would be deleted before its { $promised ->
    [one] { $promised } promised hour is
   *[other] { $promised } promised hours are
} over, so nobody can buy a placement. Switch the auto-delete timer off in the channel's settings, or set at most { $most ->
    [one] { $most } hour
   *[other] { $most } hours
} in “✏️ Price and terms”.
channel-open = 📺 Open the channel
buy-channel-short = ⛔ { $row }
error-promise-too-long = Telegram deletes new posts of this channel by its auto-delete timer, so at most { $limit ->
    [one] { $limit } hour
   *[other] { $limit } hours
} can be promised, not { $promised_hours }. As an advertiser, please choose another channel. As its owner, set fewer hours, or switch the timer off in the channel's settings.
error-timer-too-short = The channel's auto-delete timer removes each post before the promised hours of this placement are over: with this timer, at most { $limit ->
    [one] { $limit } hour
   *[other] { $limit } hours
} can be promised. Ask for another format, reject the placement, or wait until the owner has switched the timer off.
notice-channel-timer-short = ⏱ “{ $title }”: Telegram now deletes new posts after { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}. { $broken ->
    [0] Nobody can buy a placement there while it promises more.
    [one] { $broken } open placement was promised for longer.
   *[other] { $broken } open placements were promised for longer.
} { $to ->
    [owner] Switch the auto-delete timer off in the channel's settings, or set fewer hours in “✏️ Price and terms”. You are not paid for a post that is deleted early.
   *[staff] { $broken ->
        [0] The owner was told.
       *[other] The owner and the advertisers were told.
    } Nobody has to do anything now: a post that is deleted early is refunded.
}
notice-placement-timer-short = ⏱ { $channel } has set an auto-delete timer: Telegram deletes new posts there after { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}, and placement #{ $id } was promised for { $promised ->
    [one] { $promised } hour
   *[other] { $promised } hours
}. A post that is out already normally stays. If yours is deleted too early, you get the money back. While the placement waits for an answer, you can take it back.
