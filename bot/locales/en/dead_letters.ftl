dead-letters = ☠️ Posts that failed for good, the newest first:
dead-letters-none = ✅ No post has failed.
dead-letters-row = #{ $id } · { $channel } · { $error }
dead-letter = ☠️ Placement #{ $id }

    Campaign: { $campaign }
    Channel: { $channel }
    Price: { $price }
    Failed: { $when }
    Attempts: { $attempts }
    Error: { $error }
    Money: { $escrow ->
        [held] held, goes back to the advertiser
        [refunded] back with the advertiser
       *[other] { $escrow }
    }
dead-letter-late = not posted in time
dead-letter-open = It has not been offered again.
dead-letter-offered = It was offered to its advertiser again.
dead-letter-retried = Its advertiser tried again: placement #{ $again }.
dead-letter-offer = 🔁 Offer it again
retry-offer = 🔁 Placement #{ $id } in { $channel } failed, and you can try it again. Today it costs { $price } (stays: { $stays }) and is moderated like any other placement. The money is held when it is approved.
retry-gone = 🔁 Placement #{ $id } in { $channel } failed. The channel does not sell this format any more, so it can't be repeated. Choose another placement: press 🛒.
retry-button = 🔁 Try again for { $price }
command-dlq = Posts that failed for good
error-terms-changed = The owner has changed the terms: it is { $price } now, and the ad stays { $promised_hours ->
    [0] for no promised time
    [one] for { $promised_hours } hour
   *[other] for { $promised_hours } hours
}. Nothing was changed.
