buy-channel = 🛒 { $campaign }

    Left of the budget: { $left }

    { $state ->
        [some] Choose a channel, or tick several with ☐ to buy them at once. To search, send a name or @name.
        [empty] No channel on offer fits. Take off a filter:
       *[none] { $more ->
            [yes] None of the channels that were looked through is free on this day. Go on with the next page.
           *[no] There are no channels on offer at the moment. Please come back later.
        }
    }
buy-channel-row = { $title } · { $formats ->
    [one] { $price }
   *[other] from { $price }
}
buy-search-wrong = To search, send the beginning of a name or @name, in letters and digits.
buy-ticks-full = You can tick { $most } channels at most. Buy these first, or take a tick off.
buy-filters = 🔎 Filters{ $filters ->
    [0] {""}
   *[other] {" "}({ $filters })
}
buy-order = { $order ->
    [price] Price per 1,000 subscribers
    [clicks] Price per click
    [growth] Growth in 30 days
    [record] The owner's record
   *[age] Newest
}
buy-order-now = ↕ { $order ->
    [price] Price per 1,000
    [clicks] Price per click
    [growth] Growth
    [record] Record
   *[age] Newest
}
buy-order-ask = ↕ Which channels come first? Those about which this is not known come last.
catalogue-title = { $number }. { $title }{ $name ->
    [none] {""}
   *[other] {" "}@{ $name }
}
catalogue-figures = { $formats ->
    [one] { $price }
   *[other] from { $price }
}{ $per ->
    [none] {""}
   *[other] {" "}· { $per }/1K
} · 👥 { $subscribers }{ $growth ->
    [none] {""}
   *[other] {" "}({ $growth })
}{ $ended ->
    [0] {""}
   *[other] {" "}· ✅ { $kept }/{ $ended }
}{ $answer ->
    [0] {""}
   *[other] {" "}· ⏱ { $answer } h
}
catalogue-click = 🖱 { $price ->
    [none] price of a click not measured
   *[other] { $price } a click
}
catalogue-signs = /1K: for 1,000 subscribers · 👥 subscribers (in 30 days) · ✅ ads that stayed, of all · ⏱ usual time to answer
filters = 🔎 Which channels should be shown?
filters-reset = ♻️ Reset all filters
filter-ask = { $name ->
    [topic] What should the channel be about?
    [language] In which language is the channel?
    [price] What may the cheapest post cost?
    [subscribers] How many subscribers should it have?
    [length] How long should a post stay?
   *[day] On which day, in your time zone ({ $zone }), should it have a free time?
}
filter-month = 📅 { $month }. On which day should the channel have a free time? Choose a day, or send it like 2030-12-31 or 31.12.2030

    Your time zone: { $zone }
filter-any = any
filter-button = { $name ->
    [topic] Topic
    [language] Language
    [price] Price
    [subscribers] Subscribers
    [length] Stays
    [day] Free on
    [favourites] ⭐ Favourites only
   *[words] Search
}: { $value }
filter-range = { $least ->
    [none] below { $most }
   *[other] { $most ->
        [none] from { $least }
       *[other] { $least } – { $most }
    }
}
filter-length = { $length ->
    [1] up to 24 h
    [2] up to 48 h
    [4] over 48 h
   *[8] ∞
}
favourite = { $marked ->
    [yes] ⭐ A favourite (take it off)
   *[no] ☆ Add to favourites
}
topic = { $topic ->
    [news] News
    [politics] Politics
    [city] Cities and regions
    [business] Business
    [finance] Finance
    [crypto] Crypto
    [marketing] Marketing
    [work] Jobs
    [technology] Technology
    [science] Science
    [education] Education
    [psychology] Psychology
    [entertainment] Entertainment
    [humour] Humour
    [games] Games
    [music] Music
    [films] Films and series
    [sport] Sport
    [health] Health
    [beauty] Beauty and fashion
    [food] Food
    [home] Home and family
    [cars] Cars
    [travel] Travel
    [shopping] Shopping
    [blogs] Blogs
   *[other] Other
}
topic-wrong = Please choose one of the topics below.
terms-topic-ask = What is the channel about? Choose the topic that fits best. Buyers search by it.
format-language = 🌐 Language: { $language }
format-language-ask = 🌐 In which language is “{ $title }”? Buyers search by it.

many-open = 🛒 Buy the ticked ones ({ $ticked })
many-format = 🛒 { $ticked ->
    [one] { $ticked } channel is ticked.
   *[other] { $ticked } channels are ticked.
} In which format should the ad be published? A channel that does not sell the format is left out.
many-cheapest = 💵 The cheapest format of each channel
many-kind = { $kind } · { $found ->
    [one] in { $found } channel
   *[other] in { $found } channels
}
many-when = 🕒 When should the ads be published? Each ad gets a free time of its channel. Your time zone: { $zone }.
many-rule = { $rule ->
    [soon] ⚡ As soon as possible
    [evening] 🌆 All in the next evening
    [daily] 📅 One a day
   *[chosen] 🕒 All at a time I choose
}
many-time-ask = 🕒 Choose the day on which all ads should be published, or send the date and the time, for example 2030-12-31 18:00 or 31.12.2030 18:00. A channel that has no free time then is left out.

    Your time zone: { $zone }
many-table = 🛒 Please check
many-line = { $number }. { $title } · { $kind } · { $price } · { $when }
many-refused = { $number }. { $title }{ $price ->
    [none] {""}
   *[other] {" "}· { $price }
} · ⛔ { $why ->
    [error-own-channel] your own channel
    [error-format-not-sold] does not sell this format
    [error-channel-not-usable] takes no placements now
    [error-promise-too-long] deletes posts too early by its timer
    [error-time-not-free] has no free time then
    [error-no-free-time] has no free time in the next 7 days
    [error-budget-exceeded] the budget is not enough
    [error-insufficient-funds] the money in your wallet is not enough
    [error-terms-changed] has changed its price or format just now
    [error-publish-time-past] its time is over
    [error-person-blocked] takes no placements now
    [error-campaign-not-active] the campaign is not active
   *[other] can't be bought now
}
many-sum =
    {""}
    { $found ->
        [0] None of them can be bought now.
        [one] { $found } placement for { $total }
       *[other] { $found } placements for { $total }
    }
    Then left of the budget: { $left }, of your wallet: { $wallet }{ $missing ->
        [none] {""}
       *[other] . For all of them, { $missing } is missing in your wallet: top up and come back here.
    }

    First each owner answers, then an admin checks the ad. A price is held when an admin approves its placement.
many-buy = ✅ Submit { $found ->
    [one] { $found } placement
   *[other] { $found } placements
} for { $total }
many-done = { $done ->
    [0] Nothing was submitted.
    [one] ✅ { $done } placement is submitted. Its owner answers first.
   *[other] ✅ { $done } placements are submitted. Their owners answer first.
}{ $refused ->
    [0] {""}
   *[other] {" "}These were left out, and nothing is charged for them:
}
many-again = 🛒 Choose other channels
