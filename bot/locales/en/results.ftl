clicks-button = 🔗 Clicks: { $counted ->
    [yes] counted
   *[no] not counted
}
clicks-choice = 🔗 Clicks on the ad of “{ $campaign }”

    { $counted ->
        [yes] ✅ Clicks are counted on new placements.
       *[no] Clicks are not counted.
    }

    If you let them be counted, the links of the ad lead over { $base } in each new placement, and from there to your address. The owner of the channel and the admins see both. The text stays the same.
clicks-choice-counted = Counted:
clicks-choice-others = Not counted, because a reader sees the address itself, or Telegram opens it:
clicks-choice-none = ⚠️ This ad has no link that can be counted. An address that stands in the text as words stays as it is. Put it behind a button, or behind linked words.
clicks-choice-telegram = A link to t.me opens the browser first if it is counted.
clicks-choice-later = Placements that you have sent already stay as they are.
clicks-choice-unavailable = The operator of this bot has not set up the counting of clicks.
clicks-on = ✅ Count clicks
clicks-off = Do not count clicks
clicks-more = … and { $count } more
clicks-target = • { $address } → { $url }
clicks-link = • { $url }
clicks-in-offer = 🔗 Clicks on this ad are counted. Its links lead to:
links-button = 🔗 The ad and where its links lead
links-shown = 👆 This is the ad of placement #{ $id }, exactly as it is published. Its tracked links lead to:
links-none = 👆 This is the ad of placement #{ $id }, exactly as it is published. Clicks are not counted, so its links lead straight to their addresses.
results-button = 📊 Result
results-button-campaign = 📊 Results
results-placement = 📊 Placement #{ $id } · { $channel }
results-campaign = 📊 { $campaign }
results-nothing = Nothing is known yet: the post is not published.
results-nothing-campaign = Nothing is known yet: no post of this campaign is published.
results-published = Published: { $at }
results-price = Price: { $price }{ $back ->
    [none] {""}
   *[other] {" "}({ $back } came back)
}
results-kept = Seen in the channel for: { $hours } h of { $promised } h
results-subscribers = Subscribers at that time: { $subscribers } (on { $day })
results-subscribers-unknown = Subscribers at that time: not known
results-reactions = ❤️ Reactions: { $counted ->
    [0] Telegram has told none yet
   *[other] { $posts ->
        [1] { $reactions }
       *[other] { $reactions } in all; the middle one of { $counted } counted posts has { $median }
    }
}
results-clicks = Clicks: { $clicks }
results-price-per-click = Price of a click: { $price }
results-left-out = Left out: { $repeats } repeated clicks, { $bots } requests of programs
results-not-counted = Clicks were not counted. You can let them be counted on new placements, in the campaign under “🔗 Clicks”.
results-none-clicked = Nobody has clicked yet.
results-days = By day (UTC):
results-day = { $day }: { $clicks }
results-days-earlier = Earlier: { $clicks }
results-sum = { $placements ->
    [one] { $placements } published placement
   *[other] { $placements } published placements
}, together { $price }
results-row = • #{ $id } { $channel }: { $price }{ $back ->
    [none] {""}
   *[other] {" "}({ $back } came back)
}, { $hours } h, { $tracked ->
    [yes] { $clicks } clicks
   *[no] clicks not counted
}
results-rows-more = … and { $count } more in the table
results-rules = How clicks are counted: the first click of a person a day (UTC). Repeated clicks and programs are left out.
results-picture = 🖼 Picture
results-table = 📄 Table (CSV)
results-report = 🖨 Report
results-refresh = 🔄 Refresh
results-caption = 📊 Clicks by day (UTC): { $clicks } together
results-no-picture = There is no click yet, so there is nothing to draw.
results-file = 📎 { $form ->
    [table] The table. It opens in every spreadsheet.
   *[report] The report on one page. Open it in a browser; from there you can print it or save it as a PDF.
}
notice-result = 📊 { $counted ->
    [yes] Clicks: { $clicks }{ $price ->
        [none] {""}
       *[other] , { $price } each
    }.{" "}
   *[no] {""}
}Everything that is known about it is under “📊 Result”.
result-page-title-placement = Result of placement #{ $id }
result-page-title-campaign = Results of the campaign “{ $campaign }”
result-page-made = Made on { $at }
result-page-column = { $name ->
    [placement] Placement
    [channel] Channel
    [published] Published
    [price] Price
    [kept] Hours seen
    [subscribers] Subscribers
    [reactions] Reactions
    [median-reactions] Reactions to a post (median)
    [clicks] Clicks
   *[price-per-click] Price of a click
}
result-page-clicks-by-day = Clicks by day (UTC)
result-page-not-counted = not counted
result-page-back = { $amount } came back
result-page-unknown = not known
result-page-how = A click is the first visit of a person on a day (UTC) over the link in the ad. Repeated visits ({ $repeats }) and programs ({ $bots }) are left out. The bot has looked at the posts itself; subscribers are what Telegram said on the day of the publication or last before it, and reactions what it said last. The price of a click is the price of the measured placements by their clicks.
