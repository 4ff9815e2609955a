error-time-not-free = { $why ->
    [taken] This time is taken: another ad of the channel is too close.
    [full] The channel has no more room for ads on this day.
    [hours] The channel publishes no ads at this hour.
    [weekday] The channel publishes no ads on this day of the week.
    [day_off] The channel publishes no ads on this day.
   *[other] The channel publishes no ad at this time.
} { $times ->
    [none] Please choose another day.
   *[other] The next free times: { $times }. Please choose one of them or another time.
}
error-no-free-time = The channel has no free time in the next 7 days. Please choose a later time or another channel.
error-no-calendar = This channel has no calendar yet. Open the channel and press “🗓 Calendar” to set it up.
error-no-weekday = At least one day of the week has to stay. To take no ads for some time, pause the channel.
buy-when = When should it be published?{ $next ->
    [now] {""}
    [none] {" "}The channel has no free time in the next 7 days. Choose a later time, or go back and choose another channel.
   *[other] {" "}The next free time of the channel is { $next }.
}
buy-time-ask = 🕒 { $choice ->
    [some] Choose a day on which the channel has a free time
    [none] The channel has no free time in the next two weeks. Choose another day
   *[any] Choose a day
}, or send the date and the time, for example 2030-12-31 18:00 or 31.12.2030 18:00

    Your time zone: { $zone }
time-other-day = 📅 Another day
time-month = 📅 { $month }. Choose a day, or send a date with or without a time. Days that cannot be chosen have a dot.

    Your time zone: { $zone }
time-hour = 🕒 { $found ->
    [0] { $day } has no time to choose any more. Please go back and choose another day.
   *[other] { $day }: choose a time, or send one, for example 18:30
}

    Your time zone: { $zone }
day-today = Today
day-tomorrow = Tomorrow
day-wrong = That is no day from today on. Please choose a day, or send it like 2030-12-31 or 31.12.2030
when-next-free = as soon as it is approved{ $next ->
    [now] {""}
    [none] {""}
   *[other] {""}, at the next free time of the channel: { $next } or later
}
channel-calendar = 🗓 Calendar
calendar-missing = 🗓 “{ $title }” has no calendar yet: ads are published at any time, and two ads can come one right after the other.

    With a calendar, buyers can choose free times only. Times that were bought before stay.
calendar-create = 🗓 Set up the calendar
calendar = 🗓 Calendar of “{ $title }”

    Hours of ads: { $hours ->
        [all] the whole day
        [night] { $opens }–{ $closes } of the next day
       *[some] { $opens }–{ $closes }
    }
    Days: { $weekdays ->
        [all] every day
       *[some] { $weekdays }
    }
    Between two ads: { $gap }
    Ads a day: { $most ->
        [0] any number
       *[other] at most { $most }
    }
    Days off: { $off ->
        [none] none
       *[some] { $off }
    }
    Time zone: { $zone }

    A change does not move or cancel an ad whose time is already bought.

calendar-gap-minutes = { $minutes ->
    [0] no gap
   *[other] { $minutes } min
}
calendar-gap-hours = { $hours } h
calendar-day = { $day }: { $state ->
    [ads] { $ads }
    [off] 🌴 day off
    [weekday] no ads on this day of the week
   *[free] no ads yet
}
calendar-ad = { $status ->
    [pending] ⏳
    [approved] 📬
    [posted] ✅
   *[other] ▫️
} { $time } #{ $id } { $campaign }
calendar-more = and { $more } more
calendar-part = { $part ->
    [hours] 🕒 Hours
    [days] 📆 Days
    [gap] ↔️ Between ads
    [most] 🔢 Ads a day
   *[off] 🌴 Days off
}
calendar-month = 🖼 Month
calendar-zone = 🌍 Use my time zone ({ $zone })
calendar-zone-ask = 🌍 Set my time zone
calendar-hours-ask = From which hour on may ads be published in “{ $title }”?
calendar-all-day = 🕛 The whole day
calendar-until-ask = Ads from { $opens } on. Until which hour? The hours before { $opens } are those of the next day.
calendar-weekdays-ask = On which days of the week may ads be published? Press a day to change it.
calendar-gap-ask = How much time must be between two ads?
calendar-most-ask = How many ads may one day have?
calendar-most = { $most ->
    [0] any number
   *[other] { $most }
}
calendar-off-ask = 🌴 { $month }. On which days do you want no ads? Press a day to change it. Ads that are bought already stay.

    Time zone of the calendar: { $zone }
calendar-off-day = { $off ->
    [yes] 🌴{ $day }
   *[no] { $day }
}
calendar-toggle = { $chosen ->
    [yes] ✔️ { $label }
   *[no] { $label }
}
calendar-caption = 🗓 “{ $title }”, { $month }: { $ads ->
    [0] no ads
    [one] { $ads } ad
   *[other] { $ads } ads
}. A square is an ad, grey days have no ads, and the red frame is today. Weeks begin on Monday.
