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
dead-letter-open = It has not been offered again.
dead-letter-offered = It was offered to its advertiser again.
dead-letter-retried = Its advertiser tried again: placement #{ $again }.
dead-letter-offer = 🔁 Offer it again
retry-offer = 🔁 Placement #{ $id } in { $channel } did not come about, and you can try it again. It costs { $price } today and is moderated like any other; the money is held when it is approved.
retry-button = 🔁 Try again for { $price }
command-dlq = Posts that failed for good
error-price-changed = The price has changed: it is { $price } now. Nothing was changed.
